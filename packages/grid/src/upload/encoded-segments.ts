import { blockSizeOf, type EncodingGeometry, hashSize, segmentDataSize } from '@holdfast/lafs';
import type { SegmentEncoding } from '../coding/segment-encoder.js';
import type { SpooledFile } from './spool.js';

/** What segments are read from, each once and in order: a file, or the ciphertext of one. */
export type SegmentSource = Pick<SpooledFile, 'read'>;

/** A segment whose blocks are to be made. */
export interface SegmentToEncode {
  /** Bytes of each of its blocks. */
  readonly blockSize: number;
  /** Encrypts, codes and hashes it, writing its blocks into `rooms`: one for each share that is made, in their order. */
  encodeInto(rooms: readonly Uint8Array[]): Promise<void>;
}

/** Turns a file, or its ciphertext, into blocks, segment by segment. Only hashes are kept: 32 bytes a block. */
export class EncodedSegments {
  readonly #file: SegmentSource;
  readonly #geometry: EncodingGeometry;
  readonly #encoding: SegmentEncoding;
  /** The hashes of the segments' ciphertext, and then those of each made share's blocks: the leaves of the trees. */
  readonly leaves: readonly Uint8Array[];

  /** @param shares how many the encoding makes */
  constructor(file: SegmentSource, geometry: EncodingGeometry, encoding: SegmentEncoding, shares: number) {
    this.#file = file;
    this.#geometry = geometry;
    this.#encoding = encoding;
    this.leaves = Array.from({ length: 1 + shares }, () => new Uint8Array(geometry.segmentCount * hashSize));
  }

  /**
   * The file's segments in order, each to be encoded before the next but one is asked for. They are read into two buffers
   * that take turns: one while the other is encoded.
   *
   * @param buffer makes a buffer of so many bytes
   */
  async *segments(buffer: (size: number) => Uint8Array): AsyncGenerator<SegmentToEncode> {
    const { segmentCount, segmentSize } = this.#geometry;
    const buffers = segmentCount > 1 ? [0, 1].map(() => buffer(segmentSize)) : [];
    for (let segment = 0; segment < segmentCount; segment++) {
      const size = segmentDataSize(this.#geometry, segment);
      const plaintext = await this.#file.read(segment * segmentSize, size, buffers[segment % 2]);
      yield {
        blockSize: blockSizeOf(this.#geometry, segment),
        encodeInto: async (rooms) => this.#keep(segment, await this.#encoding.encode(plaintext, rooms)),
      };
    }
  }

  #keep(segment: number, hashes: Uint8Array): void {
    for (const [tree, leaves] of this.leaves.entries()) {
      leaves.set(hashes.subarray(tree * hashSize, (tree + 1) * hashSize), segment * hashSize);
    }
  }
}
