const smallest = 16 * 1024;

/**
 * Shares a fixed amount of memory among the transfers under way in one direction: with few each gets large pieces,
 * which are quicker; with thousands each gets small ones, so that slow clients cannot fill the memory.
 */
export class SharedBuffers {
  readonly #largest: number;
  readonly #total: number;
  #users = 0;

  /**
   * @param largest most bytes of one buffer
   * @param total bytes that all transfers together may hold, about
   */
  constructor(largest = 512 * 1024, total = 256 * 1024 * 1024) {
    this.#largest = largest;
    this.#total = total;
  }

  /** Bytes that one transfer may hold at a time, in a buffer, now. A transfer has up to three. */
  get pieceSize(): number {
    const fair = this.#total / (3 * Math.max(1, this.#users));
    return Math.min(this.#largest, Math.max(smallest, 2 ** Math.floor(Math.log2(fair))));
  }

  /** Counts a transfer until it settles. */
  async during<T>(transfer: () => Promise<T>): Promise<T> {
    this.#users++;
    try {
      return await transfer();
    } finally {
      this.#users--;
    }
  }
}
