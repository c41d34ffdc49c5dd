import type { Bus } from '../bus/index.js';
import type { Identity } from '../identity/index.js';
import { Repetition } from '../lifecycle/index.js';
import type { Logger } from '../logging/index.js';
import type { AnnouncementBody } from './body.js';
import { signAnnouncement } from './signed.js';
import { type AnnouncementSubjects, announcementSubjects } from './subjects.js';

const repeatAfter = 10 * 60_000;

/** What an announcer needs. */
export interface AnnouncerOptions {
  readonly bus: Bus;
  readonly grid: string;
  readonly identity: Identity;
  readonly logger: Logger;
  /** The announcement for a seqnum. */
  readonly describe: (seqnum: number) => AnnouncementBody | Promise<AnnouncementBody>;
}

/**
 * Tells the introducer who this server is: until it is accepted, again after every reconnection of the bus, and
 * every ten minutes. Nothing of it is kept on disk: a seqnum is the time in milliseconds, and where the introducer
 * knows a higher one (a clock was set back), one more than that.
 */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #subjects: AnnouncementSubjects;
  #newest = 0;
  #accepted = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#subjects = announcementSubjects(options.grid);
  }

  /** Begins to announce, in the background; returns how to end it. */
  start(): () => Promise<void> {
    const repetition = new Repetition(() => this.#announce(), repeatAfter);
    const stopListening = this.#options.bus.onConnect(() => repetition.again());
    repetition.start();
    return () => {
      stopListening();
      return repetition.stop();
    };
  }

  async #announce(): Promise<boolean> {
    this.#accepted = await this.#ask();
    return this.#accepted;
  }

  async #ask(): Promise<boolean> {
    const { bus, identity, describe, logger } = this.#options;
    this.#newest = Math.max(Date.now(), this.#newest + 1);
    try {
      const signed = signAnnouncement(await describe(this.#newest), identity);
      const answer = await bus.ask(this.#subjects.announce, signed);
      if ('accepted' in answer) {
        if (!this.#accepted) logger.info('the introducer accepted our announcement');
        return true;
      }
      if (answer.newest !== undefined) this.#newest = Math.max(this.#newest, answer.newest);
      logger.warn({ reason: answer.refused }, 'the introducer refused our announcement');
    } catch (error) {
      logger.debug({ error: (error as Error).message }, 'no introducer took our announcement yet');
    }
    return false;
  }
}
