import { hashSize } from '../hashing/sha256.js';
import type { EncodingGeometry } from './encoding-geometry.js';

/** Parameters of the erasure code as the block writes them: `<bytes coded at once>-<k>-<n>`. */
export interface CodecParameters {
  readonly size: number;
  readonly required: number;
  readonly total: number;
}

/**
 * The URI extension block of an immutable file: exactly the fields that Tahoe-LAFS 1.20 writes. (Its
 * document, specifications/URI-extension.rst, also lists plaintext hashes; no release of today writes them.)
 * All numbers are whole, all hashes have 32 bytes.
 */
export interface UriExtension {
  /** Always `crs`. */
  readonly codecName: string;
  /** For every segment but the last. */
  readonly codecParameters: CodecParameters;
  /** For the last segment, with its padding. */
  readonly tailCodecParameters: CodecParameters;
  /** Hash of the whole ciphertext. */
  readonly ciphertextHash: Uint8Array;
  /** Root of the Merkle tree over the ciphertext's segments. */
  readonly ciphertextRootHash: Uint8Array;
  /** Root of the Merkle tree over the roots of all shares' block hash trees. */
  readonly shareRootHash: Uint8Array;
  readonly required: number;
  readonly total: number;
  readonly segmentCount: number;
  /** Bytes of a segment, a multiple of k. */
  readonly segmentSize: number;
  /** Bytes of the file. */
  readonly size: number;
}

/** The hashes of an encoding: what the block says beside the geometry. */
export interface UriExtensionHashes {
  readonly ciphertextHash: Uint8Array;
  readonly ciphertextRootHash: Uint8Array;
  readonly shareRootHash: Uint8Array;
}

/** The name of the only erasure code there is. */
export const erasureCodecName = 'crs';

/** The fields of a file's URI extension block. */
export function uriExtensionOf(geometry: EncodingGeometry, hashes: UriExtensionHashes): UriExtension {
  const { required, total, segmentCount, segmentSize, size, paddedTailSegmentSize } = geometry;
  return {
    codecName: erasureCodecName,
    codecParameters: { size: segmentSize, required, total },
    tailCodecParameters: { size: paddedTailSegmentSize, required, total },
    ciphertextHash: hashes.ciphertextHash,
    ciphertextRootHash: hashes.ciphertextRootHash,
    shareRootHash: hashes.shareRootHash,
    required,
    total,
    segmentCount,
    segmentSize,
    size,
  };
}

/**
 * Serializes the block (specifications/URI-extension.rst): for each key in alphabetic order
 *
 *     <key> ":" netstring(value)
 *
 * where numbers are decimal and hashes are raw bytes.
 */
export function encodeUriExtension(extension: UriExtension): Uint8Array {
  const parts = [
    entry('codec_name', extension.codecName),
    entry('codec_params', codecText(extension.codecParameters)),
    entry('crypttext_hash', extension.ciphertextHash),
    entry('crypttext_root_hash', extension.ciphertextRootHash),
    entry('needed_shares', String(extension.required)),
    entry('num_segments', String(extension.segmentCount)),
    entry('segment_size', String(extension.segmentSize)),
    entry('share_root_hash', extension.shareRootHash),
    entry('size', String(extension.size)),
    entry('tail_codec_params', codecText(extension.tailCodecParameters)),
    entry('total_shares', String(extension.total)),
  ];
  return Buffer.concat(parts.flat());
}

/**
 * Bytes of a file's serialized URI extension block. They follow from its geometry alone, so space can be
 * asked for before anything is hashed.
 */
export function uriExtensionLength(geometry: EncodingGeometry): number {
  const blank = new Uint8Array(hashSize);
  const hashes = { ciphertextHash: blank, ciphertextRootHash: blank, shareRootHash: blank };
  return encodeUriExtension(uriExtensionOf(geometry, hashes)).length;
}

function entry(key: string, value: string | Uint8Array): Uint8Array[] {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
  return [Buffer.from(`${key}:${bytes.length}:`, 'latin1'), bytes, Buffer.from(',')];
}

function codecText({ size, required, total }: CodecParameters): string {
  return `${size}-${required}-${total}`;
}
