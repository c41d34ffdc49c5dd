import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@holdfast/common/logging';
import type { Generation, Standing } from './generation.js';

const lookEvery = 2_000;
const raiseEvery = 3_600_000;
const recoverAgainAfter = 60_000;

/** What watching over the standing of the records needs. */
export interface StandingWatchOptions {
  readonly generation: Generation;
  readonly logger: Logger;
  /** What an operator runs to recover the records. */
  readonly command: string;
  /** Recovers them in this process; undefined where only an operator may. */
  readonly recover: (() => Promise<void>) | undefined;
}

/**
 * Knows whether the records of this server are current. While they are not, nothing may rely on them: the server reads
 * and lists shares and changes nothing, until they have been recovered, by this process or another.
 */
export class StandingWatch {
  readonly #options: StandingWatchOptions;
  readonly #waiting: (() => void)[] = [];
  #standing: Standing | undefined;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();
  readonly #stopping = new AbortController();

  constructor(options: StandingWatchOptions) {
    this.#options = options;
  }

  /** Why nothing may be changed; undefined while the records are current. */
  get problem(): string | undefined {
    if (this.#standing === 'current') return undefined;
    if (this.#standing === undefined) return 'not known yet';
    const what =
      this.#standing === 'missing'
        ? 'the database has no records of the shares here'
        : 'the database is older than the shares here';
    return `read-only: ${what}; run: ${this.#options.command}`;
  }

  /** Does something once the records are current: now, or later. */
  onceCurrent(start: () => void): void {
    if (this.#standing === 'current') start();
    else this.#waiting.push(start);
  }

  /**
   * Looks for the first time, and from then on.
   *
   * @throws MarkError
   */
  async start(): Promise<void> {
    this.#standing = await this.#options.generation.standing();
    if (this.#standing === 'current') return this.#goOn();
    const { logger, recover } = this.#options;
    logger.error({ reason: this.problem }, 'this server serves what it has and takes nothing in');
    this.#repeat(lookEvery, () => this.#lookAgain());
    if (recover) this.#working = this.#recover(recover);
  }

  /** Ends it; the records are marked as what the shares were last served with. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#timer);
    await this.#working;
    if (this.#standing === 'current') await this.#options.generation.raise();
  }

  async #goOn(): Promise<void> {
    this.#standing = 'current';
    await this.#options.generation.raise();
    for (const start of this.#waiting.splice(0)) start();
    this.#repeat(raiseEvery, () => this.#options.generation.raise());
  }

  async #lookAgain(): Promise<void> {
    const standing = await this.#options.generation.standing();
    if (standing !== 'current' || this.#standing === 'current' || this.#stopping.signal.aborted) return;
    this.#options.logger.info('the records have been recovered; this server takes shares in again');
    await this.#goOn();
  }

  /** Again and again until it is done, here or by somebody else. */
  async #recover(recover: () => Promise<void>): Promise<void> {
    while (!this.#stopping.signal.aborted && this.#standing !== 'current') {
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

  #repeat(every: number, work: () => Promise<void>): void {
    clearInterval(this.#timer);
    let busy = false;
    this.#timer = setInterval(() => {
      if (busy) return;
      busy = true;
      work()
        .catch((error: Error) =>
          this.#options.logger.warn(
            { error: error.message },
            'could not compare the records with the shares',
          ),
        )
        .finally(() => {
          busy = false;
        });
    }, every);
  }
}
