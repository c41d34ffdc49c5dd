import { setTimeout as delay } from 'node:timers/promises';
import { type Database, GroupCommit } from '@holdfast/common/database';
import { joinSignals } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import type { CheckResults } from '@holdfast/grid';
import type { RepairFile } from '../queue/repair-file.js';
import { type Pause, untilUnpaused } from '../restraint/pause.js';
import { isRepairWorthwhile, timeToNextCheck, timeToSpreadCheck } from './decisions/index.js';
import { isFailedCheck, recordCheck } from './file-record.js';
import type { RecordedServers } from './recorded-servers.js';
import {
  type CheckEnd,
  type DueCheck,
  postponeCheck,
  recordCheckEnds,
  takeDueChecks,
} from './records/due-checks.js';
import { restAfterRepair, type WatchTerms } from './terms.js';

/** What checking needs. */
export interface CheckerOptions {
  readonly database: Database;
  readonly grid: string;
  readonly logger: Logger;
  readonly terms: WatchTerms;
  /** Checks at a time. */
  readonly checks: number;
  /** Most checks that are begun in a second. */
  readonly checksPerSecond: number;
  readonly check: (file: RepairFile, signal: AbortSignal) => Promise<CheckResults>;
  /** The servers as they are seen now. */
  readonly servers: () => RecordedServers;
  /** Until when there is no use in checking. */
  readonly pauses: readonly Pause[];
  /** Told after each. */
  readonly onCheck: (result: 'checked' | 'failed') => void;
}

/** A check whose worker was lost is due again after so long, in milliseconds. */
const takenFor = 5 * 60_000;
/** How long one check may take. */
const deadline = 60_000;
/** The pause after a check that came to nothing, of that file, with as much again by chance. */
const failurePause = 10 * 60_000;
/** The pause where nothing is due, or Postgres did not answer. */
const idlePause = 2_000;

/** Checks files under watch when they are due, some at a time and at no more than a given rate. */
export class Checker {
  readonly #options: CheckerOptions;
  readonly #stopping = new AbortController();
  /** Checks that end while others are written down are written down together. */
  readonly #ends: GroupCommit<CheckEnd, undefined>;
  #running: Promise<void> = Promise.resolve();

  constructor(options: CheckerOptions) {
    this.#options = options;
    this.#ends = new GroupCommit((ends) => this.#recordAll(ends));
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await untilUnpaused(this.#options.pauses, signal);
      if (signal.aborted) return;
      const pause = await this.#batch().catch((error: Error) => {
        this.#options.logger.warn({ error: error.message }, 'the watch cannot be used at the moment');
        return idlePause;
      });
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Resolves to how long to wait, in milliseconds, until the next. */
  async #batch(): Promise<number> {
    const { database, grid, checks, checksPerSecond, servers } = this.#options;
    const begun = performance.now();
    // Small enough that all of it is done long before others would take it for lost.
    const most = Math.max(1, Math.floor(Math.min(4 * checks, 10 * checksPerSecond)));
    const due = await takeDueChecks(database.pool, grid, { most, within: takenFor, servers: servers() });
    if (due.length === 0) return idlePause;
    const waiting = [...due];
    const work = async () => {
      for (let file = waiting.shift(); file && !this.#stopping.signal.aborted; file = waiting.shift())
        await this.#check(file);
    };
    await Promise.all(Array.from({ length: checks }, work));
    return Math.max(0, (1000 * due.length) / checksPerSecond - (performance.now() - begun));
  }

  async #check(due: DueCheck): Promise<void> {
    const { database, grid, logger, onCheck, check } = this.#options;
    const { signal, release } = joinSignals([this.#stopping.signal], deadline);
    let results: CheckResults;
    try {
      results = await check(due.file, signal);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      // What this repairer has no room for tells nothing of the network.
      if (signal.aborted) onCheck('failed');
      logger.debug({ error: (error as Error).message }, 'a check came to nothing');
      await postponeCheck(database.pool, grid, due.file.storageIndex, failurePause * (1 + Math.random()));
      return;
    } finally {
      release();
    }
    await this.#record(due, results);
    onCheck(isFailedCheck(results, this.#options.servers().stateOf) ? 'failed' : 'checked');
  }

  async #record(due: DueCheck, results: CheckResults): Promise<void> {
    const { terms } = this.#options;
    const servers = this.#options.servers();
    const record = recordCheck(results, due, servers.stateOf);
    const { health } = record;
    const rule = due.isFirst ? timeToSpreadCheck : timeToNextCheck;
    await this.#ends.submit({
      file: due.file,
      proven: results.proven,
      record,
      // Where nothing says what the file is, it is looked at as often as one that cannot be read.
      nextCheckIn: rule(health ?? unreadable, terms.period, Math.random()),
      // Nothing is repaired by a capability that is not the file's.
      worthwhile:
        !results.wrongCapability &&
        health !== undefined &&
        isRepairWorthwhile(health, terms.threshold, servers.usable),
    });
  }

  async #recordAll(ends: readonly CheckEnd[]): Promise<undefined[]> {
    const { database, grid, servers } = this.#options;
    await recordCheckEnds(database.pool, grid, ends, { servers: servers(), restAfterRepair });
    return ends.map(() => undefined);
  }
}

const unreadable = { needed: 3, expected: 10, readable: 0, lasting: 0, servers: 0 };
