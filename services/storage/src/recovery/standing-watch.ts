import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@holdfast/common/database';
import type { Logger } from '@holdfast/common/logging';
import { type Generation, RecordsNotCurrentError, type Standing } from './generation.js';

const lookEvery = 2_000;
const raiseEvery = 60_000;
const recoverAgainAfter = 60_000;
/** A server that stops does not wait longer for a Postgres that is away too: the mark that is there is still right. */
const longestEnd = 2_000;

/** What watching over the standing of the records needs. */
export interface StandingWatchOptions {
  readonly generation: Generation;
  readonly database: Database;
  readonly logger: Logger;
  /** What an operator runs to recover the records. */
  readonly command: string;
  /** Recovers them in this process; undefined where only an operator may. */
  readonly recover: (() => Promise<void>) | undefined;
  /** Writes down anew what this process wrote into the database at its start. Called when the records are current again. */
  readonly onReturn: () => Promise<void>;
}

/**
 * Knows whether the records of this server are current: at its start, every few seconds, and when Postgres has been
 * away. While they are not, nothing may rely on them: the server reads and lists shares and changes nothing, until they
 * have been recovered, by this process or another.
 */
export class StandingWatch {
  readonly #options: StandingWatchOptions;
  readonly #waiting: (() => void)[] = [];
  readonly #stopping = new AbortController();
  readonly #onConnection = () => void this.#lookOrWarn();
  #standing: Standing | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<boolean> | undefined;
  #recovering: Promise<void> | undefined;
  #raisedAt = 0;
  #failing = false;

  constructor(options: StandingWatchOptions) {
    this.#options = options;
  }

  /** Why nothing may be changed; undefined while the records are current. */
  get problem(): string | undefined {
    if (this.#standing === 'current') return undefined;
    if (this.#standing === undefined) return 'not known yet';
    const run = `run: ${this.#options.command}`;
    const reasons = {
      missing: `the database has no records of the shares here; ${run}`,
      behind: `the database is older than the shares here; ${run}`,
      renumbered: 'the database was made anew and has another key for this server; restart it',
    };
    return `read-only: ${reasons[this.#standing]}`;
  }

  /** Does something once the records are current: now, or later. */
  onceCurrent(start: () => void): void {
    if (this.#standing === 'current') start();
    else this.#waiting.push(start);
  }

  /**
   * Looks for the first time, and from then on.
   *
   * @throws MarkError, StorageError `database-unavailable`
   */
  async start(): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => void this.#lookOrWarn(), lookEvery);
    this.#options.database.pool.on('connect', this.#onConnection);
  }

  /** Ends it; the records are marked as what the shares were last served with. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#timer);
    this.#options.database.pool.off('connect', this.#onConnection);
    await this.#recovering;
    await Promise.race([this.#markLast(), delay(longestEnd, undefined, { ref: false })]);
  }

  async #markLast(): Promise<void> {
    await this.#looking?.catch(() => undefined);
    if (this.#standing === 'current') await this.#raise();
  }

  /**
   * Compares the records with the shares now.
   *
   * @returns whether the records are current
   * @throws MarkError, StorageError `database-unavailable`; then the answer of before stands
   */
  look(): Promise<boolean> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<boolean> {
    const found = await this.#options.generation.standing();
    if (found !== 'current') this.#fall(found);
    else if (this.#standing !== 'current') await this.#rise();
    else if (performance.now() - this.#raisedAt >= raiseEvery) await this.#raise();
    this.#failing = false;
    return this.#standing === 'current';
  }

  async #lookOrWarn(): Promise<void> {
    try {
      await this.look();
    } catch (error) {
      if (!this.#failing)
        this.#options.logger.warn(
          { error: (error as Error).message },
          'could not compare the records with the shares; trying again',
        );
      this.#failing = true;
    }
  }

  #fall(standing: Exclude<Standing, 'current'>): void {
    if (this.#standing === standing) return;
    const { logger, recover } = this.#options;
    this.#standing = standing;
    logger.error({ reason: this.problem }, 'this server serves what it has and takes nothing in');
    if (!recover || !recoverable(standing) || this.#recovering || this.#stopping.signal.aborted) return;
    this.#recovering = this.#recover(recover).finally(() => {
      this.#recovering = undefined;
    });
  }

  async #rise(): Promise<void> {
    const { logger, onReturn } = this.#options;
    if (this.#standing !== undefined) {
      await onReturn();
      logger.info('the records have been recovered; this server takes shares in again');
    }
    this.#standing = 'current';
    await this.#raise();
    if (this.#standing !== 'current') return;
    for (const start of this.#waiting.splice(0)) start();
  }

  /** Where an older copy has come since the last look, this is what notices it. */
  async #raise(): Promise<void> {
    try {
      await this.#options.generation.raise();
      this.#raisedAt = performance.now();
    } catch (error) {
      if (!(error instanceof RecordsNotCurrentError)) throw error;
      this.#fall(error.standing);
    }
  }

  /** Again and again until it is done, here or by somebody else. */
  async #recover(recover: () => Promise<void>): Promise<void> {
    while (!this.#stopping.signal.aborted && recoverable(this.#standing)) {
      try {
        return await recover();
      } catch (error) {
        this.#options.logger.error(
          { error: (error as Error).message },
          'the records could not be recovered; trying again',
        );
        const { signal } = this.#stopping;
        await delay(recoverAgainAfter, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}

function recoverable(standing: Standing | undefined): boolean {
  return standing === 'missing' || standing === 'behind';
}
