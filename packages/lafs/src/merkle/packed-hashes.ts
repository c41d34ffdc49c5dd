import { hashSize } from '../hashing/sha256.js';

/** Hashes of one page: 4 KiB of them. */
const pageLength = 128;

interface Page {
  readonly hashes: Uint8Array;
  /** A bit for each hash that is there. */
  readonly present: Uint8Array;
}

/**
 * Hashes by number, side by side in pages: 32 bytes each, where an object for each would be fifteen times as much. A
 * page is made when the first hash of it comes, so that numbers far apart take little.
 */
export class PackedHashes {
  readonly #pages = new Map<number, Page>();

  has(number: number): boolean {
    const page = this.#pages.get(Math.floor(number / pageLength));
    const at = number % pageLength;
    return page !== undefined && ((page.present[at >> 3] ?? 0) & (1 << (at & 7))) !== 0;
  }

  /** A view of the hash, not to be written to, or undefined. */
  get(number: number): Uint8Array | undefined {
    if (!this.has(number)) return undefined;
    const at = (number % pageLength) * hashSize;
    return this.#pages.get(Math.floor(number / pageLength))?.hashes.subarray(at, at + hashSize);
  }

  /** Keeps a copy of a hash of 32 bytes. */
  set(number: number, hash: Uint8Array): void {
    const index = Math.floor(number / pageLength);
    let page = this.#pages.get(index);
    if (!page) {
      page = { hashes: Buffer.alloc(pageLength * hashSize), present: new Uint8Array(pageLength / 8) };
      this.#pages.set(index, page);
    }
    const at = number % pageLength;
    page.hashes.set(hash, at * hashSize);
    page.present[at >> 3] = (page.present[at >> 3] ?? 0) | (1 << (at & 7));
  }
}
