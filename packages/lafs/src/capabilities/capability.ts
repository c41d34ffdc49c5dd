import { storageIndexOfKey } from '../hashing/immutable-hashes.js';

/** The largest file, in bytes, that a client writes into its capability (specifications/uri.rst, "LIT URIs"). */
export const literalMaximumSize = 55;

/** A small file that stands in its capability: `URI:LIT:` + base32(data). */
export interface LiteralCapability {
  readonly kind: 'LIT';
  readonly data: Uint8Array;
}

/** What a read and a verify capability of an immutable file have in common. */
interface ChkFields {
  /** Hash of the URI extension block, 32 bytes. */
  readonly uriExtensionHash: Uint8Array;
  /** k, shares needed: 1 … n. */
  readonly required: number;
  /** n, shares made: k … 256. */
  readonly total: number;
  /** Bytes of the file. */
  readonly size: number;
}

/**
 * The right to read an immutable file:
 * `URI:CHK:` + base32(key) `:` base32(URI extension hash) `:` k `:` n `:` size.
 */
export interface ChkReadCapability extends ChkFields {
  readonly kind: 'CHK';
  /** The AES-128 read key, 16 bytes. Secret. */
  readonly key: Uint8Array;
}

/**
 * The right to check an immutable file's shares without reading it:
 * `URI:CHK-Verifier:` + base32(storage index) `:` base32(URI extension hash) `:` k `:` n `:` size.
 */
export interface ChkVerifyCapability extends ChkFields {
  readonly kind: 'CHK-Verifier';
  /** 16 bytes. */
  readonly storageIndex: Uint8Array;
}

/** A capability of an immutable file whose shares lie on servers. */
export type ChkCapability = ChkReadCapability | ChkVerifyCapability;

/** Every capability this release can work with. */
export type Capability = LiteralCapability | ChkCapability;

/** The storage index (16 bytes) under which an immutable file's shares lie. */
export function storageIndexOf(capability: ChkCapability): Uint8Array {
  return capability.kind === 'CHK' ? storageIndexOfKey(capability.key) : capability.storageIndex;
}

/** The verify capability that a capability contains, or is. It does not let anybody read. */
export function verifyCapabilityOf(capability: ChkCapability): ChkVerifyCapability {
  if (capability.kind === 'CHK-Verifier') return capability;
  const { uriExtensionHash, required, total, size } = capability;
  return {
    kind: 'CHK-Verifier',
    storageIndex: storageIndexOf(capability),
    uriExtensionHash,
    required,
    total,
    size,
  };
}
