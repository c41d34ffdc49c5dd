import { type VerifiedAnnouncement, verifyAnnouncement } from '@holdfast/common/announcements';
import type { Database } from '@holdfast/common/database';
import { inSlices } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';

/** An announcement and the introducer that it was heard from. */
export interface HeardAnnouncement {
  readonly introducer: string;
  readonly announcement: VerifiedAnnouncement;
}

/** An announcement as it is kept. */
export interface CachedAnnouncement extends HeardAnnouncement {
  /** When this introducer told of the server first. */
  readonly firstHeard: Date;
  /** When it told something of the server that was new last. */
  readonly lastHeard: Date;
  /** When the server last answered a node of this cache. */
  readonly lastReached: Date | undefined;
}

/** What an announcement cache needs. */
export interface AnnouncementCacheOptions {
  readonly database: Database;
  readonly grid: string;
  readonly logger: Logger;
}

interface Row {
  readonly introducer: string;
  readonly message: string;
  readonly signature: string;
  readonly server_id: string;
  readonly first_heard: Date;
  readonly last_heard: Date;
  readonly last_reached: Date | null;
}

const gatherFor = 200;
const tryAgainAfter = 5_000;

/**
 * Every announcement heard, in Postgres by grid, introducer and server: what a node connects to when no introducer
 * can be reached. Announcements are signed, and the highest seqnum wins in the statement itself, so any number of
 * nodes write into one cache without asking each other.
 */
export class AnnouncementCache {
  readonly #options: AnnouncementCacheOptions;
  /** Heard but not yet written, by introducer and server: never more than one for each. */
  #unwritten = new Map<string, HeardAnnouncement>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: AnnouncementCacheOptions) {
    this.#options = options;
  }

  /** What each introducer told last of each server of the grid, whichever node heard it. */
  async load(): Promise<CachedAnnouncement[]> {
    const { database, grid, logger } = this.#options;
    const { rows } = await database.pool.query<Row>(
      `select introducer, message, signature, server_id, first_heard, last_heard, last_reached
         from membership.announcements
        where grid = $1
        order by server_id, seqnum desc, introducer`,
      [grid],
    );
    const heard: CachedAnnouncement[] = [];
    await inSlices(rows, (row) => {
      const { introducer, message, signature, server_id: key } = row;
      const times = { firstHeard: row.first_heard, lastHeard: row.last_heard };
      try {
        const announcement = verifyAnnouncement({ message, signature, key });
        heard.push({ introducer, announcement, ...times, lastReached: row.last_reached ?? undefined });
      } catch (error) {
        logger.warn({ error: (error as Error).message }, 'a cached announcement was not believed');
      }
    });
    return heard;
  }

  /** Remembers an announcement, soon: a few hundred heard at once are one statement. */
  remember(heard: HeardAnnouncement): void {
    this.#unwritten.set(`${heard.introducer}\n${heard.announcement.serverId}`, heard);
    this.#schedule(gatherFor);
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#write();
  }

  #schedule(wait: number): void {
    if (this.#timer !== undefined || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // One at a time: whoever closes waits for all of them.
      this.#writing = this.#writing.then(() => this.#write());
    }, wait);
  }

  async #write(): Promise<void> {
    const batch = this.#unwritten;
    if (batch.size === 0) return;
    this.#unwritten = new Map();
    try {
      await writeAnnouncements(this.#options.database, this.#options.grid, [...batch.values()]);
    } catch (error) {
      this.#options.logger.warn(
        { error: (error as Error).message, announcements: batch.size },
        'announcements could not be cached; trying again',
      );
      // What was heard since then is newer.
      for (const [key, heard] of batch) if (!this.#unwritten.has(key)) this.#unwritten.set(key, heard);
      this.#schedule(tryAgainAfter);
    }
  }
}

/**
 * In order of their keys, so that two nodes who write the same rows cannot lock each other out. What another has
 * forgotten meanwhile is not written again.
 */
async function writeAnnouncements(
  database: Database,
  grid: string,
  batch: readonly HeardAnnouncement[],
): Promise<void> {
  const column = <T>(pick: (heard: HeardAnnouncement) => T) => batch.map(pick);
  await database.pool.query(
    `insert into membership.announcements (grid, introducer, server_id, seqnum, message, signature)
     select $1, introducer, server_id, seqnum, message, signature
       from unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[])
         as heard (introducer, server_id, seqnum, message, signature)
      where not exists (
        select from membership.forgotten
         where forgotten.grid = $1 and forgotten.server_id = heard.server_id and forgotten.seqnum >= heard.seqnum)
      order by introducer, server_id
     on conflict (grid, introducer, server_id) do update
        set seqnum = excluded.seqnum, message = excluded.message, signature = excluded.signature,
            last_heard = now()
      where announcements.seqnum <= excluded.seqnum`,
    [
      grid,
      column(({ introducer }) => introducer),
      column(({ announcement }) => announcement.serverId),
      column(({ announcement }) => announcement.seqnum),
      column(({ announcement }) => announcement.signed.message),
      column(({ announcement }) => announcement.signed.signature),
    ],
  );
}
