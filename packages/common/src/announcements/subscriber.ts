import type { Bus, Stop } from '../bus/index.js';
import { Backlog, inSlices, Repetition } from '../lifecycle/index.js';
import { type Logger, Seldom } from '../logging/index.js';
import { AnnouncementError } from './errors.js';
import { type SignedAnnouncement, type VerifiedAnnouncement, verifyAnnouncement } from './signed.js';
import { type AnnouncementPage, type AnnouncementSubjects, announcementSubjects } from './subjects.js';

const repeatAfter = 5 * 60_000;
/** Of one answer to who asks for all: more than the pages of a million servers. */
const mostPages = 5_000;
/** Of announcements that were told and wait to be checked, in characters: some ten thousand of them. */
const mostWaiting = 16 * 1024 * 1024;

/** What a subscriber needs. */
export interface SubscriberOptions {
  readonly bus: Bus;
  readonly grid: string;
  readonly logger: Logger;
  /** Called for each announcement that is heard and whose signature holds, be it new or not. */
  readonly onAnnouncement: (announcement: VerifiedAnnouncement) => void;
}

/**
 * Hears of every server: the whole set at once, every change after it, and the whole set again after each
 * reconnection of the bus and every five minutes, so that nothing said while nobody listened stays unheard.
 */
export class AnnouncementSubscriber {
  readonly #options: SubscriberOptions;
  readonly #subjects: AnnouncementSubjects;
  readonly #seldom = new Seldom();
  /** All servers announce themselves at once when a bus comes back, and each signature is to be checked. */
  readonly #told = new Backlog<SignedAnnouncement>({
    work: (signed) => this.#hear(signed),
    onError: ({ message }) => this.#doubt('unhandled', 'an announcement was not handled', message),
    sizeOf: ({ message, signature, key }) => message.length + signature.length + key.length,
    most: mostWaiting,
  });

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#subjects = announcementSubjects(options.grid);
  }

  /** Begins to listen, in the background; returns how to end it. */
  start(): () => Promise<void> {
    const { bus } = this.#options;
    const repetition = new Repetition(() => this.#fetchAll(() => repetition.stopping), repeatAfter);
    // Listening comes before asking for the set, so that no change falls between the two.
    const stops: Stop[] = [
      bus.subscribe(this.#subjects.announced, (signed) => this.#takeIn(signed)),
      bus.onConnect(() => repetition.again()),
    ];
    repetition.start();
    return () => {
      for (const stop of stops) stop();
      this.#told.clear();
      return repetition.stop();
    };
  }

  async #fetchAll(stopping: () => boolean): Promise<boolean> {
    try {
      let after: string | undefined;
      for (let pages = 1; !stopping(); pages++) {
        const page = await this.#options.bus.ask(this.#subjects.list, after === undefined ? {} : { after });
        await inSlices(page.announcements, (signed) => this.#hear(signed));
        if (page.next === undefined) break;
        if (pages === mostPages || !leadsOn(page, after)) {
          this.#doubt(
            'pages',
            'an introducer tells its servers without end, or in no order; not asked further',
          );
          break;
        }
        after = page.next;
      }
      return true;
    } catch (error) {
      this.#options.logger.debug(
        { error: (error as Error).message },
        'no introducer told us its servers yet',
      );
      return false;
    }
  }

  #takeIn(signed: SignedAnnouncement): void {
    if (!this.#told.add(signed))
      this.#doubt('backlog', 'more is announced than can be checked; what is missed is asked for later');
  }

  #hear(signed: SignedAnnouncement): void {
    let announcement: VerifiedAnnouncement;
    try {
      announcement = verifyAnnouncement(signed);
    } catch (error) {
      // Once of each kind in a while: anybody on the bus can say such things, as often as he likes.
      const kind = error instanceof AnnouncementError ? error.code : 'error';
      this.#doubt(kind, 'an announcement was not believed', (error as Error).message);
      return;
    }
    this.#options.onAnnouncement(announcement);
  }

  #doubt(kind: string, message: string, error?: string): void {
    const missed = this.#seldom.take(kind);
    if (missed !== undefined) this.#options.logger.warn({ error, missed }, message);
  }
}

/** Whether a page ends where the next one is said to begin, and that is further than it began itself. */
function leadsOn({ announcements, next = '' }: AnnouncementPage, after = ''): boolean {
  return next > after && next === announcements.at(-1)?.key;
}
