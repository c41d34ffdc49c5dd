import type { SignedAnnouncement, VerifiedAnnouncement } from '@holdfast/common/announcements';
import type { Database } from '@holdfast/common/database';

/** What became of an announcement that was offered to the store. */
export type Kept =
  | { kept: 'new' | 'already known' }
  | { kept: false; newest: number }
  | { kept: false; most: number };

/** When the servers of the store were heard of. */
export interface HearingTimes {
  readonly firstHeard: Date;
  /** When it said something new last. */
  readonly lastHeard: Date;
}

interface Row {
  readonly server_id: string;
  readonly message: string;
  readonly signature: string;
}

/** The newest announcement of each server of one grid, in Postgres. Several introducers may share the table. */
export class AnnouncementStore {
  readonly #database: Database;
  readonly #grid: string;
  readonly #most: number;

  /** @param most servers that are kept; introducers that share the table may go beyond it by a few */
  constructor(database: Database, grid: string, most = Number.MAX_SAFE_INTEGER) {
    this.#database = database;
    this.#grid = grid;
    this.#most = most;
  }

  /** Keeps an announcement if it is its server's newest, and there is room for the server. The row's own lock decides between two that come at once. */
  async keep({ serverId, seqnum, signed }: VerifiedAnnouncement): Promise<Kept> {
    const { rowCount } = await this.#database.pool.query({
      name: 'keep-announcement',
      text: `insert into introducer.announcements as known (grid, server_id, seqnum, message, signature)
             select $1, $2, $3::bigint, $4, $5
              where exists (select from introducer.announcements where grid = $1 and server_id = $2)
                 or (select count(*) from introducer.announcements where grid = $1) < $6::bigint
             on conflict (grid, server_id) do update
             set seqnum = excluded.seqnum, message = excluded.message, signature = excluded.signature, last_heard = now()
             where known.seqnum < excluded.seqnum`,
      values: [this.#grid, serverId, seqnum, signed.message, signed.signature, this.#most],
    });
    if (rowCount === 1) return { kept: 'new' };
    const { rows } = await this.#database.pool.query<{ seqnum: number; message: string }>(
      'select seqnum, message from introducer.announcements where grid = $1 and server_id = $2',
      [this.#grid, serverId],
    );
    const known = rows[0];
    if (!known) return { kept: false, most: this.#most };
    if (known.message === signed.message) return { kept: 'already known' };
    return { kept: false, newest: known.seqnum };
  }

  /** Up to `limit` announcements in order of server id, from after `after` on. */
  async list(after: string, limit: number): Promise<SignedAnnouncement[]> {
    const { rows } = await this.#database.pool.query<Row>({
      name: 'list-announcements',
      text: `select server_id, message, signature from introducer.announcements
             where grid = $1 and server_id > $2 order by server_id limit $3`,
      values: [this.#grid, after, limit],
    });
    return rows.map(({ server_id, message, signature }) => ({ message, signature, key: server_id }));
  }

  /** When each server was heard of, by server id. */
  async times(): Promise<Map<string, HearingTimes>> {
    const { rows } = await this.#database.pool.query<{
      server_id: string;
      first_heard: Date;
      last_heard: Date;
    }>('select server_id, first_heard, last_heard from introducer.announcements where grid = $1', [
      this.#grid,
    ]);
    return new Map(
      rows.map(({ server_id, first_heard, last_heard }) => [
        server_id,
        { firstHeard: first_heard, lastHeard: last_heard },
      ]),
    );
  }

  /** Forgets a server; returns whether it was known. If it is still there it comes back with its next announcement. */
  async forget(serverId: string): Promise<boolean> {
    const { rowCount } = await this.#database.pool.query(
      'delete from introducer.announcements where grid = $1 and server_id = $2',
      [this.#grid, serverId],
    );
    return rowCount === 1;
  }

  /** Forgets the servers that have said nothing new for so many milliseconds; returns their ids. */
  async forgetSilent(forMs: number): Promise<string[]> {
    const { rows } = await this.#database.pool.query<{ server_id: string }>(
      `delete from introducer.announcements
        where grid = $1 and last_heard < now() - $2 * interval '1 millisecond' returning server_id`,
      [this.#grid, forMs],
    );
    return rows.map(({ server_id }) => server_id);
  }

  /** How many servers are known. */
  async count(): Promise<number> {
    const { rows } = await this.#database.pool.query<{ count: number }>(
      'select count(*) from introducer.announcements where grid = $1',
      [this.#grid],
    );
    return rows[0]?.count ?? 0;
  }
}
