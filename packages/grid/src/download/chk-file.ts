import { type ChkReadCapability, createFileCipher } from '@holdfast/lafs';
import type { Ciphertext } from './ciphertext.js';
import type { FileDescription } from './file-description.js';
import type { OpenFile } from './open-file.js';

/** An immutable file whose shares have been found. */
export class ChkFile implements OpenFile {
  readonly #capability: ChkReadCapability;
  readonly #description: FileDescription;
  readonly #ciphertext: Ciphertext;

  /** @param close gives back what was reserved for the file */
  constructor(
    capability: ChkReadCapability,
    description: FileDescription,
    ciphertext: Ciphertext,
    readonly close: () => void,
  ) {
    this.#capability = capability;
    this.#description = description;
    this.#ciphertext = ciphertext;
  }

  get size(): number {
    return this.#capability.size;
  }

  async *read(start: number, end: number): AsyncGenerator<Uint8Array> {
    const { segmentSize } = this.#description.geometry;
    const stop = Math.min(end, this.size);
    if (start >= stop) return;
    const first = Math.floor(start / segmentSize);
    const last = Math.floor((stop - 1) / segmentSize);
    const cipher = createFileCipher(this.#capability.key, first * segmentSize);
    let position = first * segmentSize;
    for await (const pieces of this.#ciphertext.segments(first, last)) {
      for (const piece of pieces) {
        const plaintext = cipher.update(piece);
        const from = Math.max(0, start - position);
        const to = Math.min(plaintext.length, stop - position);
        position += plaintext.length;
        if (from < to) yield plaintext.subarray(from, to);
      }
    }
  }
}
