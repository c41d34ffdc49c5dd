import type { StorageServer } from '../connections/storage-server.js';
import type { FoundShare } from './found-share.js';

/** Servers asked at once; more are asked as these answer without enough shares. */
const askedAtOnce = 20;
/** How long to wait for more answers once enough shares are known, in milliseconds. */
const graceForBetter = 30;

/**
 * Finds the shares of a file by asking servers in the file's order of preference. Answers that come later than
 * `enough` wants to wait for are still taken in: a download that loses a server turns to them.
 */
export class ShareFinder {
  readonly #storageIndex: Uint8Array;
  readonly #waiting: StorageServer[];
  readonly #found: FoundShare[] = [];
  readonly #reasons: string[] = [];
  readonly #asking = new Set<Promise<void>>();
  #changed: () => void = () => undefined;

  /** @param servers those connected, in the file's order of preference */
  constructor(storageIndex: Uint8Array, servers: readonly StorageServer[]) {
    this.#storageIndex = storageIndex;
    this.#waiting = [...servers];
    this.#askMore();
  }

  /** Every share found up to now. */
  get found(): readonly FoundShare[] {
    return this.#found;
  }

  /** What servers answered that could not say. */
  get reasons(): readonly string[] {
    return this.#reasons;
  }

  /** Whether every server has answered or was given up. */
  get finished(): boolean {
    this.#askMore();
    return this.#asking.size === 0;
  }

  /** Resolves when one more server has answered or was given up. */
  async nextAnswer(): Promise<void> {
    this.#askMore();
    await Promise.race(this.#asking);
  }

  /** Waits until shares of at least `count` different numbers are known, or every server has answered or given up. */
  async enough(count: number): Promise<void> {
    const numbers = () => new Set(this.#found.map(({ shareNumber }) => shareNumber)).size;
    while (numbers() < count) {
      if (this.finished) return;
      await this.nextAnswer();
    }
    if (this.#asking.size > 0) await this.#settled(graceForBetter);
  }

  #askMore(): void {
    while (this.#asking.size < askedAtOnce) {
      const server = this.#waiting.shift();
      if (!server) return;
      const asking: Promise<void> = this.#ask(server).finally(() => {
        this.#asking.delete(asking);
        this.#changed();
      });
      this.#asking.add(asking);
    }
  }

  async #ask(server: StorageServer): Promise<void> {
    try {
      for (const shareNumber of await server.listShares(this.#storageIndex)) {
        this.#found.push({ shareNumber, server });
      }
    } catch (error) {
      this.#reasons.push((error as Error).message);
    }
  }

  /** Until nothing is being asked any more, at most `limit` milliseconds. */
  #settled(limit: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, limit);
      const check = () => {
        if (this.#asking.size === 0) done();
      };
      const before = this.#changed;
      this.#changed = () => {
        before();
        check();
      };
      function done() {
        clearTimeout(timer);
        resolve();
      }
      check();
    });
  }
}
