import { isRefused } from './statement-errors.js';

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Does many small pieces of work together: what is submitted in one turn of the event loop, or while a batch is under
 * way, goes as the next batch. So the cost of a round trip and of a commit is shared under load, and nothing waits for
 * a timer.
 */
export class GroupCommit<Item, Result> {
  readonly #commit: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #largestBatch: number;
  #waiting: Waiting<Item, Result>[] = [];
  #running = false;

  /**
   * @param commit does a batch and gives the results in the order of the items. Where Postgres refuses
   *   what it asks, each item is done by itself, so that one harms no other; else all fail with what it throws
   * @param largestBatch most items in one call
   */
  constructor(commit: (items: readonly Item[]) => Promise<readonly Result[]>, largestBatch = 500) {
    this.#commit = commit;
    this.#largestBatch = largestBatch;
  }

  submit(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#running) return;
      this.#running = true;
      setImmediate(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#largestBatch);
      const failure = await this.#do(batch);
      if (failure === undefined) continue;
      if (batch.length === 1 || !isRefused(failure.error)) {
        for (const { reject } of batch) reject(failure.error);
      } else for (const each of batch) await this.#alone(each);
    }
    this.#running = false;
  }

  async #do(batch: readonly Waiting<Item, Result>[]): Promise<{ readonly error: unknown } | undefined> {
    try {
      const results = await this.#commit(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
      return undefined;
    } catch (error) {
      return { error };
    }
  }

  async #alone(waiting: Waiting<Item, Result>): Promise<void> {
    const failure = await this.#do([waiting]);
    if (failure) waiting.reject(failure.error);
  }
}
