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
  readonly #knownHash: (segment: number) => Uint8Array | undefined;
  /** The hashes of the segments' ciphertext, and then those of each made share's blocks: the leaves of the trees. */
  readonly leaves: readonly Uint8Array[];

  /**
   * @param shares how many the encoding makes
   * @param knownHash of a segment's ciphertext, for whoever has compared that with it
   */
  constructor(
    file: SegmentSource,
    geometry: EncodingGeometry,
    encoding: SegmentEncoding,
    shares: number,
    knownHash: (segment: number) => Uint8Array | undefined = () => undefined,
  ) {
    this.#file = file;
    this.#geometry = geometry;
    this.#encoding = encoding;
    this.#knownHash = knownHash;
    this.leaves = Array.from({ length: 1 + shares }, () => new Uint8Array(geometry.segmentCount * hashSize));
  }

  /**
   * The file's segments in order, each to be encoded before the next but one is asked for. The one after is read from disk
   * meanwhile: into three buffers that take turns, as with two the encoding has to wait for the disk now and then.
   *
   * @param buffer makes a buffer of so many bytes
   */
  async *segments(buffer: (size: number) => Uint8Array): AsyncGenerator<SegmentToEncode> {
    const { segmentCount, segmentSize } = this.#geometry;
    const buffers = Array.from({ length: segmentBuffers(segmentCount) }, () => buffer(segmentSize));
    const read = (segment: number) =>
      this.#file.read(
        segment * segmentSize,
        segmentDataSize(this.#geometry, segment),
        buffers[segment % buffers.length],
      );
    let next = read(0);
    for (let segment = 0; segment < segmentCount; segment++) {
      const plaintext = await next;
      if (segment + 1 < segmentCount) {
        next = read(segment + 1);
        next.catch(() => undefined);
      }
      yield {
        blockSize: blockSizeOf(this.#geometry, segment),
        encodeInto: async (rooms) =>
          this.#keep(segment, await this.#encoding.encode(plaintext, rooms, this.#knownHash(segment))),
      };
    }
  }

  #keep(segment: number, hashes: Uint8Array): void {
    for (const [tree, leaves] of this.leaves.entries()) {
      leaves.set(hashes.subarray(tree * hashSize, (tree + 1) * hashSize), segment * hashSize);
    }
  }
}

/**
 * How many buffers a file's segments are read into while it is encoded: for two that are handed on, and the next. None for a
 * file of one, which is in memory.
 */
export function segmentBuffers(segmentCount: number): number {
  return segmentCount > 1 ? Math.min(segmentCount, 3) : 0;
}
