import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@holdfast/common/database';
import type { ShareAddress } from '@holdfast/lafs';
import { isDatabaseDown } from '../records/database-errors.js';
import type { Generation } from '../recovery/generation.js';
import type { ShareBackend } from '../share-backend/share-backend.js';
import { CollectionRecords, type GoingShare } from './collection-records.js';
import { type Due, due } from './due.js';
import { alone } from './server-lock.js';

/** Leases ended and shares removed in one transaction: whoever renews one of them waits that long. */
const batchSize = 500;

/** Shares looked at by one statement of the daily look for such as have no lease. */
const sweptAtOnce = 2_000;

/** How often a batch is tried that met another transaction in the wrong order. */
const mostAttempts = 5;

/** What collecting needs. */
export interface CollectOptions {
  readonly backend: ShareBackend;
  readonly database: Database;
  /** This server's key. */
  readonly server: number;
  /** Of records that are not current nothing is collected. */
  readonly generation: Generation;
  /** Most leases ended, or shares removed, in a second. */
  readonly pace: number;
  /** Milliseconds that a lease lasts which a share without any is given. */
  readonly leaseDuration: number;
  /** Called now and then. */
  readonly onProgress?: (sofar: Collection) => void;
  readonly signal?: AbortSignal;
}

/** What a pass has done. */
export interface Collection {
  /** Leases that were ended. */
  readonly leases: number;
  /** Shares that were removed. */
  readonly shares: number;
  /** Bytes of data that they had. */
  readonly bytes: number;
  /** Shares that could not be removed; the next pass tries again. */
  readonly failed: number;
  /** Shares that had no lease which could ever end, and now have one of `starter`: there should be none. */
  readonly unleased: number;
  /** Of one of these, why: the system's error code. */
  readonly problem?: string;
}

/**
 * One pass over the leases of a server: ends those that have run out, removes the shares that nobody has a lease on any
 * more, and what an earlier pass left to be removed. It may be ended at any moment; the next pass goes on. At most two
 * thirds of the time it is at work, so that others come first.
 *
 * @throws ServerBusyError, RecordsNotCurrentError, MarkError; Postgres' own error
 */
export function collect(options: CollectOptions): Promise<Collection> {
  const { database, server, generation } = options;
  return alone(database, server, (client) =>
    new Pass(new CollectionRecords(client, server, generation), options).run(),
  );
}

/** What a pass would do now. Changes nothing. */
export async function collectable(database: Database, server: number): Promise<Due> {
  return database.transaction((client) => due(client, server));
}

class Pass {
  readonly #records: CollectionRecords;
  readonly #options: CollectOptions;
  #done: Collection = { leases: 0, shares: 0, bytes: 0, failed: 0, unleased: 0 };

  constructor(records: CollectionRecords, options: CollectOptions) {
    this.#records = records;
    this.#options = options;
  }

  async run(): Promise<Collection> {
    await this.#removeLeft();
    while (!this.#options.signal?.aborted) {
      const begun = performance.now();
      const { leases, going } = await withRetries(() => this.#records.expire(batchSize));
      if (leases === 0) break;
      // With more to come it pays to plan for the tables as they are: a restored or a young database has no statistics.
      if (this.#done.leases === 0 && leases >= batchSize) await this.#records.analyze();
      this.#count({ leases });
      await this.#remove(going);
      await this.#pause(begun, leases + going.length);
    }
    if (await this.#records.isSweepDue()) await this.#sweep();
    return this.#done;
  }

  /** Only a lease that runs out makes a share go: whatever has none is given one, once a day. */
  async #sweep(): Promise<void> {
    const { signal, leaseDuration } = this.#options;
    let last: ShareAddress | undefined;
    do {
      if (signal?.aborted) return;
      const begun = performance.now();
      const after = last;
      const page = await withRetries(() => this.#records.leaseUnleased(after, sweptAtOnce, leaseDuration));
      last = page.last;
      this.#count({ unleased: page.leased });
      await this.#pause(begun, 0);
    } while (last);
    await this.#records.sweepDone();
  }

  async #removeLeft(): Promise<void> {
    let last: GoingShare | undefined;
    while (!this.#options.signal?.aborted) {
      const begun = performance.now();
      const going = await this.#records.goingAfter(last, batchSize);
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
      this.#records.remove(shares, async (going) => {
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
