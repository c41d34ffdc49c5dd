import type { Database } from '@holdfast/common/database';

/** The sections that a backend's shares lie in, which a round goes through one by one. */
const sections = 1024;

/** A round of the scrub: the one under way, or the last. */
export interface ScrubRound {
  readonly startedAt: Date;
  readonly finishedAt: Date | undefined;
  /** The first section that is not done. */
  readonly nextSection: number;
  /** From 0 to 1. */
  readonly progress: number;
  /** Shares read. */
  readonly shares: number;
  /** Bytes of data read. */
  readonly bytes: number;
  /** Shares found damaged. */
  readonly damaged: number;
}

/** What the shares of some sections came to. */
export type ScrubCounts = Pick<ScrubRound, 'shares' | 'bytes' | 'damaged'>;

/** The row of one server in `storage.scrubs`. */
export class ScrubRecords {
  readonly #database: Database;
  readonly #server: number;

  constructor(database: Database, server: number) {
    this.#database = database;
    this.#server = server;
  }

  /** The round under way or the last one; undefined before the first. */
  async read(): Promise<ScrubRound | undefined> {
    const { rows } = await this.#database.pool.query<{
      started_at: Date;
      finished_at: Date | null;
      next_section: number;
      shares: number;
      bytes: number;
      damaged: number;
    }>('select * from storage.scrubs where server = $1', [this.#server]);
    const [row] = rows;
    return (
      row && {
        startedAt: row.started_at,
        finishedAt: row.finished_at ?? undefined,
        nextSection: row.next_section,
        progress: Math.min(1, row.next_section / sections),
        shares: row.shares,
        bytes: row.bytes,
        damaged: row.damaged,
      }
    );
  }

  /** Begins a new round in the place of the last. */
  async begin(): Promise<void> {
    await this.#database.pool.query(
      `insert into storage.scrubs (server, started_at) values ($1, now())
       on conflict (server) do update
         set started_at = now(), finished_at = null, next_section = 0, shares = 0, bytes = 0, damaged = 0`,
      [this.#server],
    );
  }

  /** Notes that all sections before `nextSection` are done, with what was found since the last note. */
  async advance(nextSection: number, counts: ScrubCounts): Promise<void> {
    await this.#database.pool.query(
      `update storage.scrubs
          set next_section = $2::int, shares = shares + $3, bytes = bytes + $4, damaged = damaged + $5,
              finished_at = case when $2::int >= $6 then now() end
        where server = $1`,
      [this.#server, nextSection, counts.shares, counts.bytes, counts.damaged, sections],
    );
  }

  /** Notes that the round is done. */
  finish(counts: ScrubCounts): Promise<void> {
    return this.advance(sections, counts);
  }
}
