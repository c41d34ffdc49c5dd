import { hashSize } from '@holdfast/lafs';
import type { LeafHashes } from './leaf-hashes.js';

/** A hash tree as one share holds it: its leaves are read from there when they are needed. */
export class HashSection {
  readonly #hashes: LeafHashes;
  readonly #read: (start: number, end: number) => Promise<Uint8Array>;
  readonly #reading = new Map<number, Promise<void>>();

  /**
   * @param hashes what is known of the tree, perhaps from other shares
   * @param read reads bytes of the section, counted from its first
   */
  constructor(hashes: LeafHashes, read: (start: number, end: number) => Promise<Uint8Array>) {
    this.#hashes = hashes;
    this.#read = read;
  }

  /**
   * A leaf's hash, checked against the root.
   *
   * @throws StorageServerError; BadHashError or ShareLayoutError where the section is wrong
   */
  async leaf(leaf: number): Promise<Uint8Array | undefined> {
    const known = this.#hashes.leaf(leaf);
    if (known) return known;
    const { group } = this.#hashes.groupOf(leaf);
    // Segments that are fetched at the same time mostly need the same group.
    const reading = this.#reading.get(group) ?? this.#readGroupOf(leaf);
    this.#reading.set(group, reading);
    try {
      await reading;
    } finally {
      this.#reading.delete(group);
    }
    return this.#hashes.leaf(leaf);
  }

  async #readGroupOf(leaf: number): Promise<void> {
    const { group, first, count } = this.#hashes.groupOf(leaf);
    this.#hashes.addGroup(group, await this.#read(first * hashSize, (first + count) * hashSize));
  }
}
