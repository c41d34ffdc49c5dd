import type { EncodingGeometry } from '@holdfast/lafs';
import { partOf } from '../coding/segment-pieces.js';
import type { OpenFile } from './open-file.js';
import type { SegmentsInOrder } from './segments-in-order.js';

/** An immutable file whose shares have been found. */
export class ChkFile implements OpenFile {
  readonly #geometry: EncodingGeometry;
  readonly #segments: SegmentsInOrder;

  /**
   * @param segments decrypted
   * @param close gives back what was reserved for the file
   */
  constructor(
    geometry: EncodingGeometry,
    segments: SegmentsInOrder,
    readonly close: () => void,
  ) {
    this.#geometry = geometry;
    this.#segments = segments;
  }

  get size(): number {
    return this.#geometry.size;
  }

  async *read(start: number, end: number): AsyncGenerator<Uint8Array> {
    const { segmentSize } = this.#geometry;
    const stop = Math.min(end, this.size);
    if (start >= stop) return;
    const first = Math.floor(start / segmentSize);
    const last = Math.floor((stop - 1) / segmentSize);
    let position = first * segmentSize;
    // Not released: what they lie in is theirs, as they were decrypted, and whoever takes it may look at it for long.
    for await (const { pieces } of this.#segments.read(first, last)) {
      yield* partOf(pieces, start - position, stop - start);
      position += segmentSize;
    }
  }
}
