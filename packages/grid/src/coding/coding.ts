import type { EncodingGeometry } from '@holdfast/lafs';
import type { SegmentEncoding } from './segment-encoder.js';

/** The work that is done with the bytes of files: encrypting, erasure coding, hashing. */
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

  /** Memory that can be handed to this coding's `encode` without being copied. */
  buffer(size: number): Uint8Array;
}
