import { type EncodingGeometry, segmentDataSize } from '@holdfast/lafs';
import type { TakenSegment } from '../coding/segment-pieces.js';
import type { SegmentSource } from './encoded-segments.js';
import type { SpooledFile } from './spool.js';

/** The segments of a file that was received, as an encoder reads them. The memory of one is used again for a later one. */
export class SpooledSegments implements SegmentSource {
  readonly #file: Pick<SpooledFile, 'read'>;
  readonly #geometry: EncodingGeometry;
  readonly #buffer: (size: number) => Uint8Array;
  readonly #free: Uint8Array[] = [];

  /** @param buffer makes a buffer of so many bytes */
  constructor(
    file: Pick<SpooledFile, 'read'>,
    geometry: EncodingGeometry,
    buffer: (size: number) => Uint8Array,
  ) {
    this.#file = file;
    this.#geometry = geometry;
    this.#buffer = buffer;
  }

  async read(segment: number): Promise<TakenSegment> {
    const { segmentSize, segmentCount } = this.#geometry;
    // A file of one is in memory, or is read into memory of its own.
    const buffer = segmentCount > 1 ? (this.#free.pop() ?? this.#buffer(segmentSize)) : undefined;
    const size = segmentDataSize(this.#geometry, segment);
    const bytes = await this.#file.read(segment * segmentSize, size, buffer);
    return {
      pieces: [bytes],
      release: () => {
        if (buffer) this.#free.push(buffer);
      },
    };
  }
}
