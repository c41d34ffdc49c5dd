import type { Bus } from '../bus/index.js';
import type { Identity } from '../identity/index.js';
import { Repetition } from '../lifecycle/index.js';
import type { Logger } from '../logging/index.js';
import type { AnnouncementBody } from './body.js';
import { type SignedAnnouncement, signAnnouncement } from './signed.js';
import { type AnnouncementSubjects, announcementSubjects } from './subjects.js';

const renewAfter = 10 * 60_000;
/**
 * How many milliseconds beyond our clock a seqnum may be that is believed. What an introducer says it knows becomes that of all
 * introducers; and a server whose clock was ahead must be able to come back when it is right.
 */
export const believedAhead = 24 * 60 * 60_000;

/** What an announcer needs. */
export interface AnnouncerOptions {
  /** The bus of each introducer that is told, by name. */
  readonly introducers: ReadonlyMap<string, Bus>;
  readonly grid: string;
  readonly identity: Identity;
  readonly logger: Logger;
  /** The announcement for a seqnum. */
  readonly describe: (seqnum: number) => AnnouncementBody | Promise<AnnouncementBody>;
}

/**
 * Tells introducers who this server is: all of them the same announcement, each until it has accepted it and again
 * after every reconnection of its bus; and every ten minutes a new one. Nothing of it is kept on disk: a seqnum is the
 * time in milliseconds, and where an introducer knows a higher one (a clock was set back), one more than that. That is
 * believed up to a day ahead, so that no introducer can use up the seqnums with which others would believe this server.
 */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #subjects: AnnouncementSubjects;
  readonly #accepted = new Set<string>();
  readonly #refusing = new Set<string>();
  #newest = 0;
  #announcement: SignedAnnouncement | undefined;
  #renewing: Repetition | undefined;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#subjects = announcementSubjects(options.grid);
  }

  /** Begins to announce, in the background; returns how to end it. */
  start(): () => Promise<void> {
    const telling = [...this.#options.introducers].map(([name, bus]) => {
      const repetition = new Repetition(() => this.#tell(name, bus), renewAfter);
      return { name, repetition, stopListening: bus.onConnect(() => repetition.again()) };
    });
    const renewing = new Repetition(async () => {
      if (!(await this.#renew())) return false;
      // One that refused is told in its own time: what it says must not make us announce without a pause.
      for (const { name, repetition } of telling) if (!this.#refusing.has(name)) repetition.again();
      return true;
    }, renewAfter);
    this.#renewing = renewing;
    renewing.start();
    for (const { repetition } of telling) repetition.start();
    return async () => {
      for (const { stopListening } of telling) stopListening();
      await Promise.all([renewing.stop(), ...telling.map(({ repetition }) => repetition.stop())]);
    };
  }

  /** Makes a new announcement at once, where one is announced: something that it says has changed. */
  again(): void {
    this.#renewing?.again();
  }

  async #renew(): Promise<boolean> {
    const { identity, describe, logger } = this.#options;
    this.#newest = Math.max(Date.now(), this.#newest + 1);
    try {
      this.#announcement = signAnnouncement(await describe(this.#newest), identity);
      return true;
    } catch (error) {
      logger.warn({ error: (error as Error).message }, 'what this server says of itself could not be read');
      return false;
    }
  }

  /** Resolves to whether the introducer accepted the announcement. */
  async #tell(name: string, bus: Bus): Promise<boolean> {
    const announcement = this.#announcement;
    if (!announcement) return false;
    const accepted = await this.#ask(name, bus, announcement);
    if (accepted) this.#accepted.add(name);
    else this.#accepted.delete(name);
    // One that was made meanwhile is still to be told.
    return accepted && announcement === this.#announcement;
  }

  async #ask(name: string, bus: Bus, announcement: SignedAnnouncement): Promise<boolean> {
    const logger = this.#options.logger.child({ introducer: name });
    try {
      const answer = await bus.ask(this.#subjects.announce, announcement);
      this.#refusing.delete(name);
      if ('accepted' in answer) {
        if (!this.#accepted.has(name)) logger.info('the introducer accepted our announcement');
        return true;
      }
      this.#refusing.add(name);
      logger.warn({ reason: answer.refused }, 'the introducer refused our announcement');
      if (answer.newest !== undefined && announcement === this.#announcement)
        this.#goBeyond(answer.newest, logger);
    } catch (error) {
      logger.debug({ error: (error as Error).message }, 'no introducer took our announcement yet');
    }
    return false;
  }

  #goBeyond(newest: number, logger: Logger): void {
    if (newest > Date.now() + believedAhead) {
      logger.warn(
        { newest },
        'the introducer knows a seqnum of more than a day ahead of us, which is not believed',
      );
      return;
    }
    this.#newest = Math.max(this.#newest, newest);
    this.again();
  }
}
