import { StorageError } from '../storage-error.js';

/** Milliseconds after which whoever waits for its account's turn is sent away. */
const longestWait = 10_000;

interface Waiting {
  readonly since: number;
  readonly enter: () => void;
}

/**
 * Lets work of accounts go on one at a time for each account, of so many accounts at once; those that wait take turns,
 * an account at a time. So one that asks for much, or whose work is held up, does not hold up the others.
 */
export class AccountTurns {
  readonly #atOnce: number;
  readonly #working = new Set<number>();
  /** In the order of their next turns. */
  readonly #waiting = new Map<number, Waiting[]>();

  /** @param atOnce accounts that may have something under way */
  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /**
   * Does `work` when it is its turn.
   *
   * @param account its key
   * @throws StorageError `server-busy` where the turn came only after ten seconds; what `work` throws
   */
  async during<T>(account: number, work: () => Promise<T>): Promise<T> {
    const since = performance.now();
    if (this.#working.size < this.#atOnce && !this.#working.has(account)) this.#working.add(account);
    else await new Promise<void>((enter) => this.#wait(account, { since, enter }));
    try {
      if (performance.now() - since > longestWait)
        throw new StorageError('server-busy', 'too much of this account waits here to be let in: try later');
      return await work();
    } finally {
      this.#working.delete(account);
      this.#admit();
    }
  }

  #wait(account: number, waiting: Waiting): void {
    const others = this.#waiting.get(account);
    if (others) others.push(waiting);
    else this.#waiting.set(account, [waiting]);
  }

  #admit(): void {
    for (const [account, waiting] of this.#waiting) {
      if (this.#working.size >= this.#atOnce) return;
      if (this.#working.has(account)) continue;
      this.#waiting.delete(account);
      this.#working.add(account);
      waiting.shift()?.enter();
      // Behind all others.
      if (waiting.length > 0) this.#waiting.set(account, waiting);
    }
  }
}
