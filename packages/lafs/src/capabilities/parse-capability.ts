import { base32Decode } from '../base32.js';
import { maximumTotalShares } from '../immutable/encoding-geometry.js';
import type { Capability } from './capability.js';
import { CapabilityError } from './capability-error.js';

/** Kinds that Tahoe-LAFS mints and this release cannot open. */
const unsupportedKinds: ReadonlySet<string> = new Set([
  'SSK',
  'SSK-RO',
  'SSK-Verifier',
  'MDMF',
  'MDMF-RO',
  'MDMF-Verifier',
  'DIR2',
  'DIR2-RO',
  'DIR2-Verifier',
  'DIR2-CHK',
  'DIR2-CHK-Verifier',
  'DIR2-LIT',
  'DIR2-MDMF',
  'DIR2-MDMF-RO',
  'DIR2-MDMF-Verifier',
]);

/** 26 characters hold 16 bytes and 2 spare bits, 52 hold 32 bytes and 4; numbers have no leading zeros. */
const chkBody = /^([a-z2-7]{26}):([a-z2-7]{52}):(0|[1-9]\d*):(0|[1-9]\d*):(0|[1-9]\d*)$/;

/**
 * Reads a capability (specifications/uri.rst, "CHK URIs", "LIT URIs"). The text must be the whole capability
 * and nothing else: no space, no percent-encoding, no URL around it.
 *
 * @throws {@link CapabilityError} `unknown-kind` for mutable files, directories and kinds of the future,
 *   `malformed` for everything else that is not a capability
 */
export function parseCapability(text: string): Capability {
  const prefix = /^URI:([A-Za-z0-9-]+):/.exec(text);
  const kind = prefix?.[1];
  if (kind === undefined) throw malformed('expected URI:<kind>:…');
  const body = text.slice(prefix![0].length);
  if (kind === 'LIT') return { kind, data: decode(body, 'URI:LIT:<base32 of the data>') };
  if (kind === 'CHK' || kind === 'CHK-Verifier') return parseChk(kind, body);
  if (unsupportedKinds.has(kind)) {
    const name = `URI:${kind}:`;
    throw new CapabilityError('unknown-kind', `capabilities of the kind ${name} are not supported`, name);
  }
  throw new CapabilityError('unknown-kind', 'a capability of an unknown kind');
}

function parseChk(kind: 'CHK' | 'CHK-Verifier', body: string): Capability {
  const first = kind === 'CHK' ? 'key' : 'storage index';
  const form = `URI:${kind}:<${first}, 26 characters>:<hash, 52 characters>:<needed>:<total>:<size>`;
  const match = chkBody.exec(body);
  if (match === null) throw malformed(`expected ${form}`);
  const keyOrIndex = decode(match[1]!, form);
  const uriExtensionHash = decode(match[2]!, form);
  const [required, total, size] = [Number(match[3]), Number(match[4]), Number(match[5])];
  if (required < 1 || required > total || total > maximumTotalShares) {
    throw malformed(`expected 1 ≤ needed ≤ total ≤ ${maximumTotalShares} shares in ${form}`);
  }
  if (!Number.isSafeInteger(size)) throw malformed(`expected a size below 2^53 bytes in ${form}`);
  const fields = { uriExtensionHash, required, total, size };
  return kind === 'CHK'
    ? { kind, key: keyOrIndex, ...fields }
    : { kind, storageIndex: keyOrIndex, ...fields };
}

function decode(text: string, form: string): Uint8Array {
  try {
    return base32Decode(text);
  } catch {
    throw malformed(`expected ${form}, with lowercase base32`);
  }
}

function malformed(expected: string): CapabilityError {
  return new CapabilityError('malformed', `malformed capability: ${expected}`);
}
