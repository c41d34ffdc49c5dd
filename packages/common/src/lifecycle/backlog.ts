import { setImmediate as nextTurn } from 'node:timers/promises';
import { inSlices } from './in-slices.js';

/** What a backlog is made with. */
export interface BacklogOptions<T extends object> {
  readonly work: (item: T) => void;
  /** Called where `work` threw; the next are worked on all the same. */
  readonly onError: (error: Error) => void;
  /** In whatever unit `most` is. */
  readonly sizeOf: (item: T) => number;
  /** The most that may wait. */
  readonly most: number;
}

/** What comes faster than it can be handled: it is worked through in order, and others have their turn meanwhile. */
export class Backlog<T extends object> {
  readonly #options: BacklogOptions<T>;
  #waiting: T[] = [];
  #size = 0;
  #working = false;

  constructor(options: BacklogOptions<T>) {
    this.#options = options;
  }

  /** Takes something that is to be worked on soon. Returns false, having taken nothing, where there is no room for it. */
  add(item: T): boolean {
    const size = this.#options.sizeOf(item);
    if (this.#size + size > this.#options.most) return false;
    this.#size += size;
    this.#waiting.push(item);
    if (!this.#working) void this.#work();
    return true;
  }

  /** Drops what waits. */
  clear(): void {
    this.#waiting = [];
    this.#size = 0;
  }

  async #work(): Promise<void> {
    this.#working = true;
    try {
      while (this.#waiting.length > 0) {
        // Not in the turn in which it came, as very many may come in one.
        await nextTurn();
        await inSlices(this.#takeAll(), (item) => this.#workOn(item));
      }
    } finally {
      this.#working = false;
    }
  }

  #workOn(item: T): void {
    const { work, onError } = this.#options;
    try {
      work(item);
    } catch (error) {
      onError(error as Error);
    }
  }

  /** One after the other, also those that come meanwhile. */
  *#takeAll(): Generator<T> {
    for (;;) {
      const item = this.#waiting.shift();
      if (item === undefined) return;
      this.#size -= this.#options.sizeOf(item);
      yield item;
    }
  }
}
