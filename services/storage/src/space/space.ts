const freshFor = 1_000;

/**
 * How much may still be promised: the free space of the disk, less the reserve, less what is promised to uploads and
 * not yet written. The disk is asked once a second at most; what is written in between is counted here.
 */
export class Space {
  readonly #freeSpace: () => Promise<number>;
  readonly #reserved: number;
  #free = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #writtenSince = 0;
  #promised = 0;

  /**
   * @param freeSpace asks the disk, in bytes
   * @param reserved bytes that are never promised
   */
  constructor(freeSpace: () => Promise<number>, reserved: number) {
    this.#freeSpace = freeSpace;
    this.#reserved = reserved;
  }

  /** Bytes promised and not yet written. */
  get promised(): number {
    return this.#promised;
  }

  /** Bytes that can be promised now. */
  async available(): Promise<number> {
    if (performance.now() - this.#askedAt > freshFor) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
      await this.#asking;
    }
    return this.#available();
  }

  /** Promises `bytes` if there is room, at once. Call `available` before. */
  promise(bytes: number): boolean {
    if (bytes > this.#available()) return false;
    this.#promised += bytes;
    return true;
  }

  /** Takes back what was promised and not written. */
  release(bytes: number): void {
    this.#promised -= bytes;
  }

  /** Counts promised bytes that are now on the disk. */
  written(bytes: number): void {
    this.#promised -= bytes;
    this.#writtenSince += bytes;
  }

  #available(): number {
    return Math.max(0, this.#free - this.#reserved - this.#promised - this.#writtenSince);
  }

  async #ask(): Promise<void> {
    const before = this.#writtenSince;
    this.#free = await this.#freeSpace();
    this.#writtenSince -= before;
    this.#askedAt = performance.now();
  }
}
