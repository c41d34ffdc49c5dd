import type { Bus } from '@holdfast/common/bus';
import { Repetition } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import type { Leaving } from '../leaving/leaving.js';
import type { AccountBook } from './account-book.js';
import type { Credentials } from './credentials.js';
import { accountSubjects } from './subjects.js';

/** Milliseconds after which a server looks into the database by itself, if the bus has told it nothing. */
const lookAfter = 30_000;

/** What following the accounts needs. */
export interface AccountFollowingOptions {
  readonly bus: Bus;
  readonly grid: string;
  readonly book: AccountBook;
  readonly credentials: Credentials;
  readonly leaving: Leaving;
  readonly logger: Logger;
  /** Whether the records are current, as of now. While they are not, the accounts stay as they were last known. */
  readonly current: () => Promise<boolean>;
  /** Called after each look into the database. */
  readonly onReload: () => void;
}

/**
 * Keeps a running server's view of the accounts, and of whether it is leaving, up to date, and registers the accounts of its own book at servers that
 * lack them: when the bus says that something changed, after each connection of the bus, and every half minute.
 */
export class AccountFollowing {
  readonly #options: AccountFollowingOptions;
  readonly #changed: ReturnType<typeof accountSubjects>['changed'];
  readonly #repetition = new Repetition(() => this.#look(), lookAfter);
  #failing = false;

  constructor(options: AccountFollowingOptions) {
    this.#options = options;
    this.#changed = accountSubjects(options.grid).changed;
  }

  /** Begins to follow, in the background; returns how to end it. */
  start(): () => Promise<void> {
    const { bus } = this.#options;
    const repetition = this.#repetition;
    let arrived = false;
    const stopListening = [
      bus.subscribe(this.#changed, () => repetition.again()),
      bus.onConnect(() => {
        // A new server among the others: the keepers of account books are to register their accounts at it.
        if (!arrived) arrived = bus.publish(this.#changed, {});
        repetition.again();
      }),
    ];
    repetition.start();
    return () => {
      for (const stop of stopListening) stop();
      return repetition.stop();
    };
  }

  /** Looks now: something has changed that nobody else tells of. */
  again(): void {
    this.#repetition.again();
  }

  async #look(): Promise<boolean> {
    const { bus, book, credentials, leaving, logger, current, onReload } = this.#options;
    try {
      const follows = await current();
      // First what requests depend on: registering many accounts at a new server takes a while.
      if (follows) await Promise.all([credentials.reload(), leaving.reload()]);
      onReload();
      const registered = follows ? await book.register() : 0;
      if (registered > 0) {
        logger.info({ registered }, 'registered accounts at servers that lacked them');
        bus.publish(this.#changed, {});
        await credentials.reload();
      }
      this.#failing = false;
      return true;
    } catch (error) {
      if (!this.#failing)
        logger.warn({ error: (error as Error).message }, 'could not look for changed accounts; trying again');
      this.#failing = true;
      return false;
    }
  }
}
