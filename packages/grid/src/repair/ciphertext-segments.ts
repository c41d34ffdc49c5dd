import type { TakenSegment } from '../coding/segment-pieces.js';
import type { SegmentsInOrder } from '../download/segments-in-order.js';
import type { SegmentSource } from '../upload/encoded-segments.js';

/** The ciphertext of a file as an encoder reads it: once, from the first segment to the last. */
export class CiphertextSegments implements SegmentSource {
  readonly #segments: AsyncGenerator<TakenSegment>;
  readonly #pace: () => Promise<void>;

  /** @param pace waited for before each segment */
  constructor(ciphertext: SegmentsInOrder, segmentCount: number, pace: () => Promise<void>) {
    this.#segments = ciphertext.read(0, segmentCount - 1);
    this.#pace = pace;
  }

  async read(): Promise<TakenSegment> {
    await this.#pace();
    const next = await this.#segments.next();
    if (next.done) throw new RangeError('the file has no more segments');
    return next.value;
  }

  /** Ends the fetching of what was not read. */
  async close(): Promise<void> {
    await this.#segments.return(undefined);
  }
}
