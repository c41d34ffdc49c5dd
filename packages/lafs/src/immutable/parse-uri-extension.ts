import { hashSize } from '../hashing/sha256.js';
import type { CodecParameters, UriExtension } from './uri-extension.js';
import { UriExtensionError } from './uri-extension-error.js';

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
    codecName: name(entries, 'codec_name'),
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

/** The values of a block by their keys, each with where it lies. */
interface Entries {
  readonly bytes: Uint8Array;
  /** The block, a character for each byte: a repair reads it of every share, and one string is made faster than many. */
  readonly text: string;
  readonly places: ReadonlyMap<string, { readonly begin: number; readonly end: number }>;
}

function readEntries(bytes: Uint8Array): Entries {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const places = new Map<string, { begin: number; end: number }>();
  let at = 0;
  while (at < text.length) {
    const keyEnd = text.indexOf(':', at);
    const key = keyEnd < 0 ? '' : text.slice(at, keyEnd);
    if (!/^[A-Za-z_-]{1,64}$/.test(key)) throw malformed(at, 'expected a key of letters, "_" and "-"');
    if (places.has(key)) throw malformed(at, `the key ${key} stands twice`);
    const lengthEnd = text.indexOf(':', keyEnd + 1);
    const length = lengthEnd < 0 ? '' : text.slice(keyEnd + 1, lengthEnd);
    if (!/^(0|[1-9]\d{0,8})$/.test(length)) throw malformed(keyEnd + 1, 'expected a length in decimal');
    const begin = lengthEnd + 1;
    const end = begin + Number(length);
    if (text[end] !== ',') throw malformed(end, 'expected "," after the value');
    places.set(key, { begin, end });
    at = end + 1;
  }
  return { bytes, text, places };
}

function malformed(at: number, expected: string): UriExtensionError {
  return new UriExtensionError('malformed', `at byte ${at}: ${expected}`);
}

function place({ places }: Entries, key: string): { readonly begin: number; readonly end: number } {
  const found = places.get(key);
  if (found === undefined) throw new UriExtensionError('missing-field', `${key} is missing`, key);
  return found;
}

function valueText(entries: Entries, key: string): string {
  const { begin, end } = place(entries, key);
  return entries.text.slice(begin, end);
}

function hash(entries: Entries, key: string): Uint8Array {
  const { begin, end } = place(entries, key);
  // A copy: what was given may be part of something larger.
  if (end - begin === hashSize) return new Uint8Array(entries.bytes.subarray(begin, end));
  throw badValue(key, `a hash of ${hashSize} bytes, found ${end - begin} bytes`);
}

function name(entries: Entries, key: string): string {
  const value = valueText(entries, key);
  if (/^[\x21-\x7e]{1,64}$/.test(value)) return value;
  throw badValue(key, 'a name');
}

function number(entries: Entries, key: string): number {
  const parsed = wholeNumber(valueText(entries, key));
  if (parsed === undefined) throw badValue(key, 'a decimal number below 2^53');
  return parsed;
}

function codecParameters(entries: Entries, key: string): CodecParameters {
  const parts = valueText(entries, key).split('-').map(wholeNumber);
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
