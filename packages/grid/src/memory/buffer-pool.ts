/** Buffers below this are not worth keeping. */
const leastKept = 32 * 1024;

/** Whoever may still see what is in a buffer that nobody uses: nobody but us. */
const onlyUs = '';

/**
 * Large buffers that are used again and again, by one transfer after the other. New memory for each would lie beside
 * what is in use until it is collected, which takes long where two threads see it: 32 files stored at once took 450 MB.
 *
 * A server can answer a request before it has taken its body, and take the rest whenever it likes: of the buffer in which that
 * lies it then gets what is in it by that time. So what was sent to a server is used again for that server only; where there
 * are many, an upload seldom finds buffers of its servers here.
 */
export class BufferPool {
  readonly #make: (size: number) => Uint8Array;
  readonly #most: number;
  /** By their size and by who may see them; those that were given back last are the last. */
  readonly #unused = new Map<string, { readonly size: number; readonly buffers: Uint8Array[] }>();
  #kept = 0;

  /**
   * @param make makes a buffer of so many bytes
   * @param most bytes that are kept unused at most
   */
  constructor(make: (size: number) => Uint8Array, most: number) {
    this.#make = make;
    this.#most = most;
  }

  /**
   * A buffer of just `size` bytes; what is in it is of no meaning.
   *
   * @param seenBy the id of the server that it is sent to
   */
  take(size: number, seenBy = onlyUs): Uint8Array {
    const buffer = this.#unused.get(keyOf(size, seenBy))?.buffers.pop();
    if (!buffer) return this.#make(size);
    this.#kept -= size;
    return buffer;
  }

  /**
   * Takes back buffers that nobody here will look into or write to any more.
   *
   * @param seenBy as when they were taken
   */
  give(buffers: Iterable<Uint8Array>, seenBy = onlyUs): void {
    for (const buffer of buffers) {
      const size = buffer.length;
      if (size < leastKept || size > this.#most) continue;
      const key = keyOf(size, seenBy);
      const alike = this.#unused.get(key)?.buffers ?? [];
      if (this.#kept + size > this.#most && alike.length > 0) continue;
      while (this.#kept + size > this.#most) this.#forgetOldest();
      alike.push(buffer);
      this.#unused.delete(key);
      this.#unused.set(key, { size, buffers: alike });
      this.#kept += size;
    }
  }

  /** They are of other sizes, or for other servers, and may be asked for no more. */
  #forgetOldest(): void {
    for (const [key, { size, buffers }] of this.#unused) {
      this.#unused.delete(key);
      this.#kept -= size * buffers.length;
      return;
    }
  }
}

function keyOf(size: number, seenBy: string): string {
  return `${size} ${seenBy}`;
}

/** The buffers of a pool that one transfer has taken. */
export class LentBuffers {
  readonly #pool: BufferPool;
  #taken: { readonly buffer: Uint8Array; readonly seenBy: string | undefined }[] = [];

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** @param seenBy the id of the server that it is sent to */
  take(size: number, seenBy?: string): Uint8Array {
    const buffer = this.#pool.take(size, seenBy);
    this.#taken.push({ buffer, seenBy });
    return buffer;
  }

  /** Gives all back. Only for a transfer of which nothing is under way any more: a broken-off request may still read. */
  giveBack(): void {
    for (const { buffer, seenBy } of this.#taken) this.#pool.give([buffer], seenBy);
    this.#taken = [];
  }
}
