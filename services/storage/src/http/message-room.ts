/**
 * Memory for large messages: they wait outside, unread, until there is room for them. Who comes first goes first, so a
 * large one is not overtaken for ever by small ones.
 */
export class MessageRoom {
  #free: number;
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = [];

  /** @param bytes of all messages that may be in memory at a time */
  constructor(bytes: number) {
    this.#free = bytes;
  }

  /** Runs `work` while there is room for `bytes`, which must not be more than there is in all. */
  async during<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || bytes > this.#free) {
      await new Promise<void>((enter) => this.#waiting.push({ bytes, enter }));
    } else this.#free -= bytes;
    try {
      return await work();
    } finally {
      this.#free += bytes;
      this.#admit();
    }
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next && next.bytes <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.bytes;
      next.enter();
    }
  }
}
