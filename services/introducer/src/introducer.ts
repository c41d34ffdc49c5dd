import {
  type AnnounceAnswer,
  AnnouncementError,
  type AnnouncementPage,
  type AnnouncementSubjects,
  type SignedAnnouncement,
  type VerifiedAnnouncement,
  verifyAnnouncement,
} from '@holdfast/common/announcements';
import type { Bus } from '@holdfast/common/bus';
import { type Logger, Seldom } from '@holdfast/common/logging';
import { Counter, type Registry } from '@holdfast/common/metrics';
import { AnnouncementRate, staleAnswer } from './announcement-rate.js';
import type { AnnouncementStore } from './announcement-store.js';

/** Most of a page's JSON in bytes: well under the bus's default limit of 1 MiB a message. */
const pageSize = 512 * 1024;
const rowsAtOnce = 256;

/** What the introducer works with. */
export interface IntroducerParts {
  readonly bus: Bus;
  readonly subjects: AnnouncementSubjects;
  readonly store: AnnouncementStore;
  readonly logger: Logger;
  readonly registry: Registry;
}

/** Takes announcements, keeps the newest of each server, tells all who listen, and tells the whole set to who asks. */
export class Introducer {
  readonly #parts: IntroducerParts;
  readonly #received: Counter<'result'>;
  readonly #rate = new AnnouncementRate();
  readonly #seldom = new Seldom();

  constructor(parts: IntroducerParts) {
    this.#parts = parts;
    this.#received = new Counter({
      name: 'holdfast_announcements_received_total',
      help: 'Announcements that storage servers sent, by what became of them',
      labelNames: ['result'],
      registers: [parts.registry],
    });
  }

  /** Begins to answer on the bus; returns how to end it. */
  start(): () => void {
    const { bus, subjects } = this.#parts;
    // The queue gives each question to one introducer where several serve the grid from one database.
    const stops = [
      bus.serve(subjects.announce, (signed) => this.take(signed), 'introducer'),
      bus.serve(subjects.list, ({ after }) => this.page(after), 'introducer'),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** Checks an announcement and keeps it if it is news. Refusals are answers, not errors. */
  async take(signed: SignedAnnouncement): Promise<AnnounceAnswer> {
    const answered = this.#rate.beforeChecking(signed);
    if (answered) return this.#answer(signed.key, answered);
    let announcement: VerifiedAnnouncement;
    try {
      announcement = verifyAnnouncement(signed);
    } catch (error) {
      if (!(error instanceof AnnouncementError)) throw error;
      this.#received.inc({ result: error.code });
      // Whoever forges can name any key, and as many as he likes.
      this.#refused(error.code, { reason: error.message });
      return { refused: error.message };
    }
    const { serverId } = announcement;
    const known = this.#rate.afterChecking(announcement);
    return known ? this.#answer(serverId, known) : this.#keep(announcement);
  }

  async #keep(announcement: VerifiedAnnouncement): Promise<AnnounceAnswer> {
    const { bus, subjects, store, logger } = this.#parts;
    const { serverId, seqnum, body, signed } = announcement;
    const outcome = await store.keep(announcement);
    if ('most' in outcome) {
      this.#received.inc({ result: 'no room' });
      const reason = `${outcome.most} servers are known, and no more are kept (announcements.most_servers)`;
      this.#refused('no room', { reason, serverId });
      return { refused: reason };
    }
    if (outcome.kept === false) {
      this.#rate.note(serverId, outcome.newest);
      return this.#answer(serverId, staleAnswer(seqnum, outcome.newest));
    }
    this.#rate.note(serverId, seqnum, signed);
    if (outcome.kept === 'already known') return this.#answer(serverId, { accepted: true });
    this.#received.inc({ result: 'new' });
    bus.publish(subjects.announced, signed);
    logger.info({ serverId, seqnum, server: body.nickname }, 'announcement accepted');
    return { accepted: true };
  }

  /** Counts and logs the answer to one that is not news. */
  #answer(serverId: string, answer: AnnounceAnswer): AnnounceAnswer {
    if ('accepted' in answer) {
      this.#received.inc({ result: 'already known' });
    } else {
      const result = answer.newest === undefined ? 'too many' : 'stale';
      this.#received.inc({ result });
      this.#refused(`${result} ${serverId}`, { serverId, reason: answer.refused });
    }
    return answer;
  }

  /** In the log once of each kind in a while: anybody on the bus can cause it, as often as he likes. */
  #refused(kind: string, what: { readonly reason: string; readonly serverId?: string }): void {
    const missed = this.#seldom.take(kind);
    if (missed !== undefined) this.#parts.logger.warn({ ...what, missed }, 'announcement refused');
  }

  /** The announcements after a server id, as many as fit in one message. */
  async page(after = ''): Promise<AnnouncementPage> {
    const rows = await this.#parts.store.list(after, rowsAtOnce);
    const announcements: SignedAnnouncement[] = [];
    let size = 0;
    for (const row of rows) {
      size += Buffer.byteLength(JSON.stringify(row)) + 1;
      if (size > pageSize) break;
      announcements.push(row);
    }
    const last = announcements.at(-1);
    const more = announcements.length < rows.length || rows.length === rowsAtOnce;
    return more && last ? { announcements, next: last.key } : { announcements };
  }
}
