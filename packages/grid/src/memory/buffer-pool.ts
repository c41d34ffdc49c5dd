/** Buffers below this are not worth keeping. */
const leastKept = 32 * 1024;

/**
 * Large buffers that are used again and again, by one transfer after the other. New memory for each would lie beside
 * what is in use until it is collected, which takes long where two threads see it: 32 files stored at once took 450 MB.
 */
export class BufferPool {
  readonly #make: (size: number) => Uint8Array;
  readonly #most: number;
  readonly #unused = new Map<number, Uint8Array[]>();
  #kept = 0;

  /**
   * @param make makes a buffer of so many bytes
   * @param most bytes that are kept unused at most
   */
  constructor(make: (size: number) => Uint8Array, most: number) {
    this.#make = make;
    this.#most = most;
  }

  /** A buffer of just `size` bytes; what is in it is of no meaning. */
  take(size: number): Uint8Array {
    const buffer = this.#unused.get(size)?.pop();
    if (!buffer) return this.#make(size);
    this.#kept -= size;
    return buffer;
  }

  /** Takes back buffers that nobody will look into or write to any more. */
  give(buffers: Iterable<Uint8Array>): void {
    for (const buffer of buffers) {
      const size = buffer.length;
      if (size < leastKept || size > this.#most) continue;
      if (this.#kept + size > this.#most) {
        if (this.#unused.get(size)?.length) continue;
        this.#forget();
      }
      const alike = this.#unused.get(size) ?? [];
      this.#unused.set(size, alike);
      alike.push(buffer);
      this.#kept += size;
    }
  }

  /** What is kept is of other sizes, which may be asked for no more. */
  #forget(): void {
    this.#unused.clear();
    this.#kept = 0;
  }
}

/** The buffers of a pool that one transfer has taken. */
export class LentBuffers {
  readonly #pool: BufferPool;
  #taken: Uint8Array[] = [];

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  take(size: number): Uint8Array {
    const buffer = this.#pool.take(size);
    this.#taken.push(buffer);
    return buffer;
  }

  /** Gives all back. Only for a transfer of which nothing is under way any more: a broken-off request may still read. */
  giveBack(): void {
    this.#pool.give(this.#taken);
    this.#taken = [];
  }
}
