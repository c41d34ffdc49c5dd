import { blockSizeOf, type EncodingGeometry, hashSize } from '@holdfast/lafs';
import type { SegmentEncoding } from '../coding/segment-encoder.js';
import type { TakenSegment } from '../coding/segment-pieces.js';

/** What segments are read from, each once and in order: a file, or the ciphertext of one. */
export interface SegmentSource {
  /** The next segment, of this number, without padding. It is released when it is encoded. */
  read(segment: number): Promise<TakenSegment>;
}

/** A segment whose blocks are to be made. */
export interface SegmentToEncode {
  /** Bytes of each of its blocks. */
  readonly blockSize: number;
  /** Encrypts, codes and hashes it, writing its blocks into `rooms`: one for each share that is made, in their order. */
  encodeInto(rooms: readonly Uint8Array[]): Promise<void>;
}

/** Turns a file, or its ciphertext, into blocks, segment by segment. Only hashes are kept: 32 bytes a block. */
export class EncodedSegments {
  readonly #source: SegmentSource;
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
    source: SegmentSource,
    geometry: EncodingGeometry,
    encoding: SegmentEncoding,
    shares: number,
    knownHash: (segment: number) => Uint8Array | undefined = () => undefined,
  ) {
    this.#source = source;
    this.#geometry = geometry;
    this.#encoding = encoding;
    this.#knownHash = knownHash;
    this.leaves = Array.from({ length: 1 + shares }, () => new Uint8Array(geometry.segmentCount * hashSize));
  }

  /**
   * The file's segments in order, each to be encoded before the next but one is asked for. The one after is read
   * meanwhile: so there are three at a time, as with two the encoding has to wait for the disk now and then.
   */
  async *segments(): AsyncGenerator<SegmentToEncode> {
    const { segmentCount } = this.#geometry;
    const read = (segment: number) => {
      const taken = this.#source.read(segment);
      taken.catch(() => undefined);
      return taken;
    };
    let next: Promise<TakenSegment> | undefined = read(0);
    try {
      for (let segment = 0; next; segment++) {
        const { pieces, release } = await next;
        next = segment + 1 < segmentCount ? read(segment + 1) : undefined;
        yield {
          blockSize: blockSizeOf(this.#geometry, segment),
          encodeInto: async (rooms) => {
            this.#keep(segment, await this.#encoding.encode(pieces, rooms, this.#knownHash(segment)));
            release();
          },
        };
      }
    } finally {
      // Where encoding ends early.
      next?.then(
        ({ release }) => release(),
        () => undefined,
      );
    }
  }

  #keep(segment: number, hashes: Uint8Array): void {
    for (const [tree, leaves] of this.leaves.entries()) {
      leaves.set(hashes.subarray(tree * hashSize, (tree + 1) * hashSize), segment * hashSize);
    }
  }
}

/**
 * How many of a file's segments are held at a time while it is encoded: two that are handed on, and the next. None of a
 * file of one, which is in memory.
 */
export function segmentsHeld(segmentCount: number): number {
  return segmentCount > 1 ? Math.min(segmentCount, 3) : 0;
}
