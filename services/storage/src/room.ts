/**
 * Room for work that takes up memory or open files: what finds none waits outside. Who comes first goes first, so what
 * is large is not overtaken for ever by what is small.
 */
export class Room {
  #free: number;
  readonly #waiting: { readonly size: number; readonly enter: () => void }[] = [];

  /** @param size of all work that may be in it at a time, in whatever unit */
  constructor(size: number) {
    this.#free = size;
  }

  /** Runs `work` while there is room for `size`, which must not be more than there is in all. */
  async during<T>(size: number, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || size > this.#free) {
      await new Promise<void>((enter) => this.#waiting.push({ size, enter }));
    } else this.#free -= size;
    try {
      return await work();
    } finally {
      this.#free += size;
      this.#admit();
    }
  }

  /** Takes room at once, without waiting: gives what gives it back, or undefined where there is none. */
  enterNow(size: number): (() => void) | undefined {
    if (this.#waiting.length > 0 || size > this.#free) return undefined;
    this.#free -= size;
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#free += size;
      this.#admit();
    };
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next && next.size <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.size;
      next.enter();
    }
  }
}
