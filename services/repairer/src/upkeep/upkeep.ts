import type { Bus } from '@holdfast/common/bus';
import type { Database } from '@holdfast/common/database';
import { Repetition } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import { forgetOld, sweepQueue, wakeWaiting } from '../queue/sweep-queue.js';
import { sayWake } from '../worker/wake-ups.js';
import type { ReturningServers } from './returning-servers.js';

/** What keeping the queue up needs. Times are in milliseconds. */
export interface UpkeepOptions {
  readonly bus: Bus;
  readonly database: Database;
  readonly grid: string;
  readonly logger: Logger;
  readonly returning: ReturningServers;
  readonly sweepEvery: number;
  /** Failures after which a job is given up. */
  readonly attempts: number;
  readonly keepHistory: number;
}

/** How many milliseconds a file that waits for servers rests at least, also where one comes back. */
export const restedFor = 10_000;
const mostBetweenForgetting = 10 * 60_000;

/**
 * What every repairer does for the queue beside its jobs: takes back claims of lost workers, lets jobs be claimed whose
 * pause is over, looks again at files for which servers were missing when one comes back, and forgets what is old.
 */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #rounds: Repetition;
  #oweWaking = false;
  #lastForgetting = Date.now();

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#rounds = new Repetition(() => this.#round(), options.sweepEvery);
  }

  start(): void {
    this.#rounds.start();
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  async #round(): Promise<boolean> {
    const { bus, database, grid, logger, returning, attempts } = this.#options;
    try {
      this.#oweWaking = returning.look() || this.#oweWaking;
      if (this.#oweWaking) {
        const woken = await wakeWaiting(database, grid, restedFor);
        this.#oweWaking = false;
        if (woken > 0) logger.info({ jobs: woken }, 'a server is back: looking again at files that waited');
      }
      const { readied, lost } = await sweepQueue(database, grid, attempts);
      if (lost > 0) logger.warn({ jobs: lost }, 'took back jobs whose workers were not heard of in time');
      sayWake(bus, grid, readied);
      await this.#forgetOld();
      return true;
    } catch (error) {
      logger.debug({ error: (error as Error).message }, 'the queue could not be swept');
      return false;
    }
  }

  async #forgetOld(): Promise<void> {
    const { database, grid, keepHistory } = this.#options;
    if (Date.now() - this.#lastForgetting < Math.min(mostBetweenForgetting, keepHistory / 4)) return;
    await forgetOld(database, grid, keepHistory);
    this.#lastForgetting = Date.now();
  }
}
