import type { EncodingGeometry } from '@holdfast/lafs';
import type { SegmentDecoding } from './segment-decoder.js';
import type { SegmentEncoding } from './segment-encoder.js';

/** The work that is done with the bytes of files: encrypting and decrypting, erasure coding, hashing. */
export interface Coding {
  /**
   * Begins to encode a file.
   *
   * @param key the file's read key, 16 bytes; undefined for whoever works on ciphertext
   * @param shares the numbers of the shares to make, in order; all without it
   */
  encode(
    geometry: EncodingGeometry,
    key: Uint8Array | undefined,
    shares?: readonly number[],
  ): SegmentEncoding;

  /**
   * Begins to decode a file.
   *
   * @param key the file's read key, 16 bytes; undefined for whoever wants the ciphertext
   */
  decode(geometry: EncodingGeometry, key: Uint8Array | undefined): SegmentDecoding;

  /** Memory that can be handed to this coding's `encode` and `decode` without being copied. */
  buffer(size: number): Uint8Array;
}
