import { copyBytes } from '@holdfast/erasure';
import type { SegmentsInOrder } from '../download/segments-in-order.js';
import type { SegmentSource } from '../upload/encoded-segments.js';

/** The ciphertext of a file as an encoder reads it: once, from the first segment to the last. */
export class CiphertextSegments implements SegmentSource {
  readonly #segments: AsyncGenerator<readonly Uint8Array[]>;
  readonly #pace: () => Promise<void>;

  /** @param pace waited for before each segment */
  constructor(ciphertext: SegmentsInOrder, segmentCount: number, pace: () => Promise<void>) {
    this.#segments = ciphertext.read(0, segmentCount - 1);
    this.#pace = pace;
  }

  async read(_position: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
    await this.#pace();
    const next = await this.#segments.next();
    if (next.done) throw new RangeError('the file has no more segments');
    const pieces = next.value;
    const [only] = pieces;
    if (!into && only && pieces.length === 1) return only;
    const segment = (into ?? Buffer.allocUnsafe(length)).subarray(0, length);
    let at = 0;
    for (const piece of pieces) {
      copyBytes(piece, segment.subarray(at));
      at += piece.length;
    }
    return segment;
  }

  /** Ends the fetching of what was not read. */
  async close(): Promise<void> {
    await this.#segments.return(undefined);
  }
}
