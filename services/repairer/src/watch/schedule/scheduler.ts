import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@holdfast/common/database';
import { joinSignals } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import type { NetworkSuspicion } from '../decisions/index.js';
import { RecordedServers } from '../recorded-servers.js';
import { noteEndedJobs } from '../records/wanted-repairs.js';
import { addUpCounts } from '../records/watched-counts.js';
import { lockBeat, SchedulerLock } from '../scheduler-lock.js';
import type { WatchTerms } from '../terms.js';
import { admitRepairs } from './admit-repairs.js';
import { lookAround } from './look-around.js';
import { nextToStrike, strikeGone } from './strike-gone.js';

/** What scheduling needs. */
export interface SchedulerOptions {
  readonly database: Database;
  readonly grid: string;
  /** The node's nickname. */
  readonly name: string;
  readonly logger: Logger;
  readonly terms: WatchTerms;
  /** Told how many jobs were added. */
  readonly onJobs: (added: number) => void;
  /** Told when the network began to be suspected, or no longer is. */
  readonly onSuspicion: (network: NetworkSuspicion) => void;
}

/** Milliseconds between two rounds. */
const roundEvery = 2_000;

/**
 * What one repairer of a grid does at a time, whichever has the lock: looks at servers and the network, and turns what
 * checks found into jobs. Every other one waits to take over.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #active = false;
  /** The key of the given-up server whose files were seen to last. */
  #lastStruck = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Whether this is the one. */
  get active(): boolean {
    return this.#active;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { database, grid, logger } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const lock = await SchedulerLock.take(database, grid).catch((error: Error) => {
        logger.debug({ error: error.message }, 'the lock of the scheduler cannot be asked for at the moment');
        return undefined;
      });
      if (lock) await this.#hold(lock);
      await delay(lockBeat, undefined, { signal }).catch(() => undefined);
    }
  }

  async #hold(lock: SchedulerLock): Promise<void> {
    const { logger } = this.#options;
    const { signal, release } = joinSignals([this.#stopping.signal, lock.signal]);
    this.#active = true;
    logger.info('schedules the checks and repairs of this grid from now on');
    try {
      while (!signal.aborted) {
        await this.#round(lock);
        await delay(roundEvery, undefined, { signal }).catch(() => undefined);
      }
    } catch (error) {
      if (!lock.signal.aborted)
        logger.warn({ error: (error as Error).message }, 'scheduling was broken off; somebody begins again');
    } finally {
      this.#active = false;
      release();
      lock.release();
      if (!this.#stopping.signal.aborted) logger.info('no longer schedules');
    }
  }

  async #round({ client }: SchedulerLock): Promise<void> {
    const { database, grid, name, terms, onJobs, onSuspicion } = this.#options;
    const options = { grid, scheduler: name, grace: terms.grace, settle: terms.settle };
    const { before, network, servers } = await lookAround(client, options);
    if (before.suspected !== network.suspected) onSuspicion(network);
    const recorded = new RecordedServers(servers);
    if (!network.suspected) {
      const gone = nextToStrike(servers, this.#lastStruck);
      if (gone) {
        this.#lastStruck = gone.key;
        await strikeGone(gone, recorded, { database, grid, terms });
      }
    }
    await noteEndedJobs(client, grid);
    const added = await admitRepairs(client, network, { database, grid, backlog: terms.backlog });
    if (added > 0) onJobs(added);
    await addUpCounts(client, grid);
  }
}
