import type { Database } from '@holdfast/common/database';
import { Repetition } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import type { RepairAlarm, WatchStatus } from '@holdfast/common/repairs';
import type { CheckResults, ServerSet } from '@holdfast/grid';
import type { ClaimedJob } from '../queue/job.js';
import type { RepairFile } from '../queue/repair-file.js';
import { CutOffPause } from '../restraint/cut-off.js';
import type { Pause } from '../restraint/pause.js';
import { Checker } from './checker.js';
import type { NetworkSuspicion } from './decisions/index.js';
import { isFailedCheck } from './file-record.js';
import { NetworkPause } from './network-pause.js';
import { isPutOff } from './put-off.js';
import { countChecks, type NetworkRecord, readNetwork } from './records/network-record.js';
import { reportEvery } from './records/server-records.js';
import { Scheduler } from './schedule/scheduler.js';
import { ServerView } from './server-view.js';
import { isStillWorthwhile } from './still-worthwhile.js';
import type { WatchTerms } from './terms.js';
import { termsOf, type WatchSettings } from './watch-settings.js';
import { alarmOf, watchStatus } from './watch-status.js';

/** What the watch needs. */
export interface WatchOptions {
  readonly database: Database;
  readonly grid: string;
  /** The node's nickname. */
  readonly name: string;
  readonly logger: Logger;
  readonly settings: WatchSettings;
  readonly servers: Pick<ServerSet, 'statuses'>;
  readonly check: (file: RepairFile, signal: AbortSignal) => Promise<CheckResults>;
  /** Until when there is no use in checking. */
  readonly connecting: Pause;
  /** Told how many jobs were added. */
  readonly onJobs: (added: number) => void;
  /** Told by the repairer that schedules. */
  readonly onAlarm: (alarm: RepairAlarm) => void;
  /** Told after each check. */
  readonly onCheck: (result: CheckResult) => void;
}

/** Failed: most servers did not answer. */
export type CheckResult = 'checked' | 'failed';

/** How often it is read what the scheduler thinks of the network, in milliseconds. */
const readEvery = 3_000;

/**
 * Looks after the files under watch: checks them when they are due, together with all other repairers of the grid, and is
 * ready to be the one that schedules.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #terms: WatchTerms;
  readonly #view: ServerView;
  readonly #exchange: Repetition;
  readonly #read: Repetition;
  readonly #checker: Checker | undefined;
  readonly #scheduler: Scheduler;
  readonly #cutOff: Pause;
  /** Because of which no job is to be begun. */
  readonly pauses: readonly Pause[];
  #network: NetworkRecord | undefined;
  #counted = { checks: 0, failed: 0 };

  constructor(options: WatchOptions) {
    const { database, grid, name, logger, settings, servers, check, connecting, onCheck, onJobs } = options;
    this.#options = options;
    const terms = termsOf(settings);
    this.#terms = terms;
    this.#view = new ServerView({ database, grid, servers });
    this.#cutOff = new CutOffPause(
      () => servers.statuses(),
      (id) => this.#view.current.stateOf(id) === 'active',
    );
    this.pauses = [this.#cutOff, new NetworkPause(() => this.#network)];
    this.#exchange = new Repetition(() => this.#tried(() => this.#view.exchange()), reportEvery);
    this.#read = new Repetition(() => this.#tried(() => this.#tellAndRead()), readEvery);
    const onSuspicion = (network: NetworkSuspicion) => this.#raise(network);
    this.#scheduler = new Scheduler({ database, grid, name, logger, terms, onJobs, onSuspicion });
    if (settings.checks > 0)
      this.#checker = new Checker({
        database,
        grid,
        logger,
        terms,
        checks: settings.checks,
        checksPerSecond: settings.checks_per_second,
        check,
        servers: () => this.#view.current,
        pauses: [connecting, this.#cutOff],
        onCheck: (result) => {
          if (!this.isCutOff) this.#count(result);
          onCheck(result);
        },
      });
  }

  /** Whether this repairer schedules. */
  get schedules(): boolean {
    return this.#scheduler.active;
  }

  /** Why repair is paused, as it was last read; null where it is not. */
  get alarm(): WatchStatus['alarm'] {
    return alarmOf(this.#network);
  }

  /** Begins when it knows what is thought of the network. */
  async start(): Promise<void> {
    await this.#readNetwork();
    await this.#view.exchange();
    this.#read.start();
    this.#exchange.start();
    this.#scheduler.start();
    this.#checker?.start();
  }

  async stop(): Promise<void> {
    await Promise.all([
      this.#checker?.stop(),
      this.#scheduler.stop(),
      this.#exchange.stop(),
      this.#read.stop(),
    ]);
  }

  /** What a job has found before its repair tells of the network too. */
  readonly noteResults = (results: CheckResults): void => {
    if (!this.isCutOff)
      this.#count(isFailedCheck(results, this.#view.current.stateOf) ? 'failed' : 'checked');
  };

  /** Whether this repairer alone does not reach most servers: what it finds says little of files. */
  get isCutOff(): boolean {
    return this.#cutOff.reason !== undefined;
  }

  /** Whether a file that the watch wanted to be repaired is still to be, by what was found just now. */
  readonly isStillWorthwhile = (results: CheckResults): Promise<boolean> => {
    const { database, grid } = this.#options;
    return isStillWorthwhile(results, this.#view.current, { database, grid, terms: this.#terms });
  };

  /**
   * Whether the repair of a job is put off, by what was found just now: servers are away that are expected back, and the
   * file is in no danger. Undefined where nothing is waited for: nobody has to wait longer than the grace time, whatever
   * servers do.
   */
  patienceFor({
    patient,
    onlyIfWorthwhile,
    queuedFor,
  }: ClaimedJob): ((results: CheckResults) => Promise<boolean>) | undefined {
    if (!patient || onlyIfWorthwhile || queuedFor >= this.#terms.grace) return undefined;
    return async (results) =>
      results.serversFailed.length > 0 &&
      isPutOff(results, await this.#view.look().catch(() => this.#view.current));
  }

  readonly status = (): Promise<WatchStatus> => {
    const { database, grid } = this.#options;
    return watchStatus(database, grid);
  };

  async #readNetwork(): Promise<void> {
    const { database, grid } = this.#options;
    this.#network = await readNetwork(database.pool, grid);
  }

  #count(result: CheckResult): void {
    this.#counted.checks++;
    if (result === 'failed') this.#counted.failed++;
  }

  async #tellAndRead(): Promise<void> {
    const { database, grid } = this.#options;
    const counted = { ...this.#counted };
    if (counted.checks > 0) {
      await countChecks(database.pool, grid, counted);
      this.#counted = {
        checks: this.#counted.checks - counted.checks,
        failed: this.#counted.failed - counted.failed,
      };
    }
    await this.#readNetwork();
  }

  #raise({ suspected, reason }: NetworkSuspicion): void {
    const { logger, onAlarm } = this.#options;
    if (suspected)
      logger.error(
        { reason },
        reason === 'checks-failing'
          ? 'most checks fail: the network is suspected, and repair is paused until they succeed again'
          : 'most storage servers are away: the network is suspected, and repair is paused until they are back, or those that are gone for good are forgotten',
      );
    else logger.info('the network is trusted again, and repair goes on');
    onAlarm({ suspected, reason: reason ?? null });
  }

  async #tried(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#options.logger.debug(
        { error: (error as Error).message },
        'the watch cannot use Postgres just now',
      );
      return false;
    }
  }
}
