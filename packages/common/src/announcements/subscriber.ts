import { setTimeout as delay } from 'node:timers/promises';
import type { Bus, Stop } from '../bus/index.js';
import type { Logger } from '../logging/index.js';
import { type SignedAnnouncement, type VerifiedAnnouncement, verifyAnnouncement } from './signed.js';
import { type AnnouncementSubjects, announcementSubjects } from './subjects.js';

const shortestWait = 200;
const longestWait = 15_000;
const repeatAfter = 5 * 60_000;

/** What a subscriber needs. */
export interface SubscriberOptions {
  readonly bus: Bus;
  readonly grid: string;
  readonly logger: Logger;
  /** Called for each server's announcement that is newer than the last one given. */
  readonly onAnnouncement: (announcement: VerifiedAnnouncement) => void;
}

/**
 * Hears of every server: the whole set at once, every change after it, and the whole set again after each
 * reconnection of the bus and every five minutes, so that nothing said while nobody listened stays unheard.
 */
export class AnnouncementSubscriber {
  readonly #options: SubscriberOptions;
  readonly #subjects: AnnouncementSubjects;
  readonly #newest = new Map<string, number>();
  readonly #stopping = new AbortController();
  #again = new AbortController();

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#subjects = announcementSubjects(options.grid);
  }

  /** Begins to listen, in the background; returns how to end it. */
  start(): () => Promise<void> {
    const { bus } = this.#options;
    // Listening comes before asking for the set, so that no change falls between the two.
    const stops: Stop[] = [
      bus.subscribe(this.#subjects.announced, (signed) => this.#hear(signed)),
      bus.onConnect(() => this.#again.abort()),
    ];
    const running = this.#run();
    return async () => {
      for (const stop of stops) stop();
      this.#stopping.abort();
      this.#again.abort();
      await running;
    };
  }

  async #run(): Promise<void> {
    let wait = shortestWait;
    while (!this.#stopping.signal.aborted) {
      this.#again = new AbortController();
      const heardAll = await this.#fetchAll();
      wait = heardAll ? shortestWait : Math.min(wait * 2, longestWait);
      const pause = heardAll ? repeatAfter : wait * (0.5 + Math.random());
      await delay(pause, undefined, { signal: this.#again.signal }).catch(() => undefined);
    }
  }

  async #fetchAll(): Promise<boolean> {
    try {
      let after: string | undefined;
      do {
        const page = await this.#options.bus.ask(this.#subjects.list, after === undefined ? {} : { after });
        for (const signed of page.announcements) this.#hear(signed);
        after = page.next;
      } while (after !== undefined && !this.#stopping.signal.aborted);
      return true;
    } catch (error) {
      this.#options.logger.debug(
        { error: (error as Error).message },
        'no introducer told us its servers yet',
      );
      return false;
    }
  }

  #hear(signed: SignedAnnouncement): void {
    let announcement: VerifiedAnnouncement;
    try {
      announcement = verifyAnnouncement(signed);
    } catch (error) {
      this.#options.logger.warn({ error: (error as Error).message }, 'an announcement was not believed');
      return;
    }
    if (announcement.seqnum <= (this.#newest.get(announcement.serverId) ?? -1)) return;
    this.#newest.set(announcement.serverId, announcement.seqnum);
    this.#options.onAnnouncement(announcement);
  }
}
