import { hashSize } from '../hashing/tagged-hash.js';
import type { CodecParameters, UriExtension } from './uri-extension.js';
import { UriExtensionError } from './uri-extension-error.js';

const colon = 0x3a;
const comma = 0x2c;

/**
 * Reads a serialized URI extension block. Entries may stand in any order and none twice. Keys that 1.20 does
 * not write (old releases wrote plaintext hashes) are passed over: the block's own hash, in the capability,
 * covers them.
 *
 * @throws {@link UriExtensionError} `malformed`, `missing-field` or `bad-value`
 */
export function parseUriExtension(bytes: Uint8Array): UriExtension {
  const entries = readEntries(bytes);
  return {
    codecName: text(entries, 'codec_name'),
    codecParameters: codecParameters(entries, 'codec_params'),
    tailCodecParameters: codecParameters(entries, 'tail_codec_params'),
    ciphertextHash: hash(entries, 'crypttext_hash'),
    ciphertextRootHash: hash(entries, 'crypttext_root_hash'),
    shareRootHash: hash(entries, 'share_root_hash'),
    required: number(entries, 'needed_shares'),
    total: number(entries, 'total_shares'),
    segmentCount: number(entries, 'num_segments'),
    segmentSize: number(entries, 'segment_size'),
    size: number(entries, 'size'),
  };
}

type Entries = ReadonlyMap<string, Uint8Array>;

function readEntries(bytes: Uint8Array): Entries {
  const entries = new Map<string, Uint8Array>();
  let at = 0;
  while (at < bytes.length) {
    const keyEnd = bytes.indexOf(colon, at);
    const key = keyEnd < 0 ? '' : latin1(bytes.subarray(at, keyEnd));
    if (!/^[A-Za-z_-]{1,64}$/.test(key)) throw malformed(at, 'expected a key of letters, "_" and "-"');
    if (entries.has(key)) throw malformed(at, `the key ${key} stands twice`);
    const lengthEnd = bytes.indexOf(colon, keyEnd + 1);
    const length = lengthEnd < 0 ? '' : latin1(bytes.subarray(keyEnd + 1, lengthEnd));
    if (!/^(0|[1-9]\d{0,8})$/.test(length)) throw malformed(keyEnd + 1, 'expected a length in decimal');
    const valueEnd = lengthEnd + 1 + Number(length);
    if (bytes[valueEnd] !== comma) throw malformed(valueEnd, 'expected "," after the value');
    entries.set(key, new Uint8Array(bytes.subarray(lengthEnd + 1, valueEnd)));
    at = valueEnd + 1;
  }
  return entries;
}

function malformed(at: number, expected: string): UriExtensionError {
  return new UriExtensionError('malformed', `at byte ${at}: ${expected}`);
}

function field(entries: Entries, key: string): Uint8Array {
  const value = entries.get(key);
  if (value === undefined) throw new UriExtensionError('missing-field', `${key} is missing`, key);
  return value;
}

function hash(entries: Entries, key: string): Uint8Array {
  const value = field(entries, key);
  if (value.length === hashSize) return value;
  throw badValue(key, `a hash of ${hashSize} bytes, found ${value.length} bytes`);
}

function text(entries: Entries, key: string): string {
  const value = latin1(field(entries, key));
  if (/^[\x21-\x7e]{1,64}$/.test(value)) return value;
  throw badValue(key, 'a name');
}

function number(entries: Entries, key: string): number {
  const parsed = wholeNumber(latin1(field(entries, key)));
  if (parsed === undefined) throw badValue(key, 'a decimal number below 2^53');
  return parsed;
}

function codecParameters(entries: Entries, key: string): CodecParameters {
  const parts = latin1(field(entries, key)).split('-').map(wholeNumber);
  const [size, required, total] = parts;
  if (parts.length !== 3 || size === undefined || required === undefined || total === undefined) {
    throw badValue(key, '<size>-<k>-<n> in decimal');
  }
  return { size, required, total };
}

function badValue(key: string, expected: string): UriExtensionError {
  return new UriExtensionError('bad-value', `${key}: expected ${expected}`, key);
}

function wholeNumber(digits: string): number | undefined {
  const value = /^(0|[1-9]\d{0,15})$/.test(digits) ? Number(digits) : undefined;
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
