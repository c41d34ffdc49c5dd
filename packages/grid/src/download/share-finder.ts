import type { StorageServer } from '../connections/storage-server.js';
import { type FoundShare, type ShareSupply, sharesHeldBy } from './found-share.js';

/** Most servers asked at once. */
const askedAtOnce = 20;
/** Milliseconds after which more servers are asked, though those asked first have not all answered. */
const patience = 100;
/** How long to wait for more answers once enough shares are known, in milliseconds. */
const graceForBetter = 30;

/**
 * How many servers are asked to begin with: so many that there should be one share more than the file needs. An uploader
 * puts shares on the servers that a file prefers, as many on each as on the others. Large shares are better read from
 * different servers; with small ones every further question costs time, and nothing is gained by it.
 */
export function askedFirst(
  { required, total }: { readonly required: number; readonly total: number },
  servers: number,
  small: boolean,
): number {
  const sharesOfEach = small ? Math.max(1, Math.floor(total / Math.max(1, servers))) : 1;
  return Math.ceil((required + 1) / sharesOfEach);
}

/**
 * Finds the shares of a file by asking servers in the file's order of preference. Answers that come later than
 * `enough` wants to wait for are still taken in: a download that loses a server turns to them.
 */
export class ShareFinder implements ShareSupply {
  readonly #storageIndex: Uint8Array;
  readonly #whole: boolean;
  readonly #waiting: StorageServer[];
  readonly #found: FoundShare[] = [];
  readonly #reasons: string[] = [];
  readonly #asking = new Set<Promise<void>>();
  #changed: () => void = () => undefined;

  /**
   * @param servers those connected, in the file's order of preference
   * @param first how many are asked to begin with
   * @param whole whether the shares are small enough to be had in the same request, where a server can
   */
  constructor(storageIndex: Uint8Array, servers: readonly StorageServer[], first: number, whole: boolean) {
    this.#storageIndex = storageIndex;
    this.#whole = whole;
    this.#waiting = [...servers];
    this.#askMore(Math.min(first, askedAtOnce));
  }

  get found(): readonly FoundShare[] {
    return this.#found;
  }

  get reasons(): readonly string[] {
    return this.#reasons;
  }

  finish(): boolean {
    this.#askMore();
    return this.#asking.size === 0;
  }

  async nextAnswer(): Promise<void> {
    this.#askMore();
    await Promise.race(this.#asking);
  }

  async enough(count: number): Promise<void> {
    const numbers = () => new Set(this.#found.map(({ shareNumber }) => shareNumber)).size;
    while (numbers() < count) {
      if (this.#asking.size === 0 && this.finish()) return;
      const answered = await this.#answerWithin(patience);
      if (!answered) this.#askMore();
    }
    if (this.#asking.size > 0) await this.#settled(graceForBetter);
  }

  #askMore(limit = askedAtOnce): void {
    while (this.#asking.size < limit) {
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
      this.#found.push(...(await sharesHeldBy(server, this.#storageIndex, { whole: this.#whole })));
    } catch (error) {
      this.#reasons.push((error as Error).message);
    }
  }

  /** Whether a server answered, or was given up, within `limit` milliseconds. */
  async #answerWithin(limit: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, limit, false);
    });
    const answered = await Promise.race([
      late,
      ...[...this.#asking].map((asking) => asking.then(() => true)),
    ]);
    clearTimeout(timer);
    return answered;
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
