import { StorageError } from '../storage-error.js';

interface Turns {
  /** Ends with the last piece of work that was asked for. */
  last: Promise<unknown>;
  /** Under way and waiting. */
  count: number;
}

/** Lets one after the other at each slot, in the order in which they came; slots do not wait for each other. */
export class SlotTurns {
  readonly #turns = new Map<string, Turns>();
  readonly #mostWaiting: number;

  /** @param mostWaiting most pieces of work that may wait at one slot */
  constructor(mostWaiting: number) {
    this.#mostWaiting = mostWaiting;
  }

  /** Whether somebody is at work at a slot, or waits for it. */
  isTaken(slot: string): boolean {
    return this.#turns.has(slot);
  }

  /**
   * Does some work when everybody who came before is done.
   *
   * @throws StorageError `slot-busy` where too many wait already; what `work` throws
   */
  async take<T>(slot: string, work: () => Promise<T>): Promise<T> {
    const turns = this.#turns.get(slot) ?? { last: Promise.resolve(), count: 0 };
    if (turns.count > this.#mostWaiting) {
      throw new StorageError('slot-busy', 'too many writers wait for this slot: try again later');
    }
    this.#turns.set(slot, turns);
    turns.count++;
    const done = turns.last.then(work);
    turns.last = done.catch(() => undefined);
    try {
      return await done;
    } finally {
      turns.count--;
      if (turns.count === 0) this.#turns.delete(slot);
    }
  }
}
