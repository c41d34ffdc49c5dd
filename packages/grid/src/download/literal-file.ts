import type { LiteralCapability } from '@holdfast/lafs';
import type { OpenFile } from './open-file.js';

/** A file that is in its capability. */
export class LiteralFile implements OpenFile {
  readonly #data: Uint8Array;

  constructor({ data }: LiteralCapability) {
    this.#data = data;
  }

  get size(): number {
    return this.#data.length;
  }

  async *read(start: number, end: number): AsyncGenerator<Uint8Array> {
    const piece = this.#data.subarray(start, end);
    if (piece.length > 0) yield piece;
  }

  /** It holds nothing. */
  close(): void {}
}
