import { setTimeout as delay } from 'node:timers/promises';
import { allEnded } from '../all-ended.js';
import { isDatabaseDown } from '../records/database-errors.js';
import type { Collection, CollectOptions } from './collect.js';
import type { CollectionRecords, GoingShare } from './collection-records.js';
import type { Sweep } from './sweep.js';

/** Leases ended and shares removed in one transaction: whoever renews one of them waits that long. */
const batchSize = 500;

/** How often a batch is tried that met another transaction in the wrong order. */
const mostAttempts = 5;

/** The records of a server on two connections. */
export interface PassRecords {
  /** On that which has the server's lock. */
  readonly removing: CollectionRecords;
  /** May be a moment behind it: what it ends and marks is right whoever else is at it. */
  readonly expiring: CollectionRecords;
  /** On the same as `expiring`. */
  readonly sweep: Sweep;
}

/**
 * One pass, see `collect`. While the files of one batch are removed, which is mostly waiting for the disk, the leases of
 * the next are ended in Postgres, and what time is left goes into the daily look for shares without a lease; a pass that
 * is cut off may leave the shares of both batches as going.
 */
export class Pass {
  readonly #records: PassRecords;
  readonly #options: CollectOptions;
  #done: Collection = { leases: 0, shares: 0, bytes: 0, failed: 0, unleased: 0 };
  #analyzed = false;
  #sweepFailure: Error | undefined;

  constructor(records: PassRecords, options: CollectOptions) {
    this.#records = records;
    this.#options = options;
  }

  async run(): Promise<Collection> {
    await this.#removeLeft();
    let going: readonly GoingShare[] = [];
    for (let more = true; more; ) {
      const begun = performance.now();
      const count = going.length;
      const removing = this.#remove(going);
      const [, next] = await allEnded([removing, this.#expireDuring(removing)]);
      going = next.going;
      more = next.leases > 0;
      if (more) await this.#pause(begun, next.leases + count);
    }
    if (this.#sweepFailure) throw this.#sweepFailure;
    for (let begun = performance.now(); await this.#sweep(); begun = performance.now()) {
      await this.#pause(begun, 0);
    }
    await this.#records.sweep.end();
    return this.#done;
  }

  /**
   * Ends the next leases, and sweeps until the files are removed. 900,000 shares without any that lacks a lease took 4 of
   * the 32 s of a pass over 100,000 when they were looked through after it.
   */
  async #expireDuring(removing: Promise<void>): Promise<{ leases: number; going: readonly GoingShare[] }> {
    let removed = false;
    const ended = () => {
      removed = true;
    };
    void removing.then(ended, ended);
    const next = await this.#expire();
    try {
      for (let begun = performance.now(); !removed && (await this.#sweep()); begun = performance.now()) {
        await this.#pause(begun, 0);
      }
    } catch (error) {
      // What has run out is to go all the same.
      if (isDatabaseDown(error)) throw error;
      this.#sweepFailure ??= error as Error;
    }
    return next;
  }

  async #expire(): Promise<{ leases: number; going: readonly GoingShare[] }> {
    if (this.#options.signal?.aborted) return { leases: 0, going: [] };
    // With more to come it pays to plan for the tables as they are: a restored or a young database has no statistics.
    if (!this.#analyzed && this.#done.leases >= batchSize) {
      this.#analyzed = true;
      await this.#records.expiring.analyze();
    }
    const next = await withRetries(() => this.#records.expiring.expire(batchSize));
    if (next.leases > 0) this.#count({ leases: next.leases });
    return next;
  }

  /** Looks at a page of shares; false where there is none left to look at today. */
  async #sweep(): Promise<boolean> {
    if (this.#options.signal?.aborted || this.#sweepFailure) return false;
    const page = await withRetries(() => this.#records.sweep.next());
    if (page.leased > 0) this.#count({ unleased: page.leased });
    return page.more;
  }

  async #removeLeft(): Promise<void> {
    let last: GoingShare | undefined;
    while (!this.#options.signal?.aborted) {
      const begun = performance.now();
      const going = await this.#records.removing.goingAfter(last, batchSize);
      if (going.length === 0) return;
      last = going.at(-1);
      await this.#remove(going);
      await this.#pause(begun, going.length);
    }
  }

  async #remove(shares: readonly GoingShare[]): Promise<void> {
    if (shares.length === 0) return;
    let problem: string | undefined;
    // Files that are gone already are removed as well as any: it can be done twice.
    const gone = await withRetries(() =>
      this.#records.removing.remove(shares, async (going) => {
        const failures = await this.#options.backend.remove(going);
        problem = failures.find((failure) => failure !== undefined)?.code;
        return going.filter((_, index) => failures[index] === undefined);
      }),
    );
    this.#count({
      shares: gone.length,
      bytes: gone.reduce((sum, { size }) => sum + size, 0),
      failed: shares.length - gone.length,
      ...(problem === undefined ? {} : { problem }),
    });
  }

  #count({
    leases = 0,
    shares = 0,
    bytes = 0,
    failed = 0,
    unleased = 0,
    problem,
  }: Partial<Collection>): void {
    this.#done = {
      ...this.#done,
      leases: this.#done.leases + leases,
      shares: this.#done.shares + shares,
      bytes: this.#done.bytes + bytes,
      failed: this.#done.failed + failed,
      unleased: this.#done.unleased + unleased,
      ...(problem === undefined ? {} : { problem }),
    };
    this.#options.onProgress?.(this.#done);
  }

  async #pause(begun: number, count: number): Promise<void> {
    const worked = performance.now() - begun;
    const due = (count / this.#options.pace) * 1000;
    const signal = this.#options.signal;
    // A ninth of the time is left to others: with a third of it a pass over 100,000 shares took 37 s instead of 28, and
    // reads meanwhile were no quicker (their 99th percentile is a fifth above what it is without a pass).
    await delay(Math.max(worked / 8, due - worked), undefined, signal ? { signal } : {}).catch(
      () => undefined,
    );
  }
}

/** Two transactions that met in the wrong order are no reason to end a pass; a lost connection is. */
async function withRetries<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const { code } = error as { code?: string };
      if (attempt === mostAttempts || !isDatabaseDown(error) || !code?.startsWith('40')) throw error;
    }
  }
}
