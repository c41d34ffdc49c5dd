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
   * @param commit does a batch and gives the results in the order of the items; if it throws, all items fail
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
      try {
        const results = await this.#commit(batch.map(({ item }) => item));
        for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = false;
  }
}
