import type { Database } from '@holdfast/common/database';

/** What of a leaving server's immutable files is safe elsewhere. Each file counts once, however many shares it has. */
export interface DrainProgress {
  readonly files: number;
  /** Shares of these files on the server. */
  readonly shares: number;
  /** Files that were found or made healthy without the server, since it is leaving. */
  readonly safeFiles: number;
  readonly safeShares: number;
  /** Files that could not be repaired as often as is tried. */
  readonly failedFiles: number;
  /** Files of which too few shares can be read at the moment. */
  readonly waitingFiles: number;
  /** Mutable shares, which nobody moves yet. */
  readonly mutableShares: number;
}

/** A file on a server: its storage index, and of how many shares. */
export interface HeldFile {
  readonly storageIndex: Buffer;
  readonly shares: number;
}

/** The rows that tell what is on a leaving server, and how far it is emptied. */
export class DrainRecords {
  readonly #database: Database;
  readonly #server: number;

  /** @param server its key */
  constructor(database: Database, server: number) {
    this.#database = database;
    this.#server = server;
  }

  /** Since when it is leaving; undefined where it stays. */
  async leavingSince(): Promise<Date | undefined> {
    const { rows } = await this.#database.pool.query<{ since: Date | null }>(
      'select leaving_since as since from storage.servers where key = $1',
      [this.#server],
    );
    return rows[0]?.since ?? undefined;
  }

  /** The files of its immutable shares, from after one on, in order. */
  async filesAfter(last: Uint8Array | undefined, limit: number): Promise<HeldFile[]> {
    const { rows } = await this.#database.pool.query<HeldFile>(
      `select storage_index as "storageIndex", count(*)::int as shares from storage.shares
        where server = $1 and state = 'stable' and kind = 'immutable' and storage_index > $2
        group by storage_index order by storage_index limit $3`,
      [this.#server, last ?? Buffer.alloc(0), limit],
    );
    return rows;
  }

  async mutableShares(): Promise<number> {
    const { rows } = await this.#database.pool.query<{ count: number }>(
      `select count(*)::int as count from storage.shares
        where server = $1 and state = 'stable' and kind = 'mutable'`,
      [this.#server],
    );
    return rows[0]?.count ?? 0;
  }

  /** Keeps what a look has found, or why it came to no end; then what was found before stays. */
  async keep(found: { readonly progress: DrainProgress } | { readonly problem: string }): Promise<void> {
    await this.#database.pool.query(
      `insert into storage.drains as known (server, looked_at, progress, problem)
       select key, now(), $2::jsonb, $3 from storage.servers where key = $1 and leaving_since is not null
       on conflict (server) do update
         set looked_at = now(), progress = coalesce(excluded.progress, known.progress), problem = excluded.problem`,
      [
        this.#server,
        'progress' in found ? JSON.stringify(found.progress) : null,
        'problem' in found ? found.problem : null,
      ],
    );
  }

  /** What was found last; undefined where nobody has looked yet. */
  async read(): Promise<DrainStatus | undefined> {
    const { rows } = await this.#database.pool.query<DrainStatus>(
      'select looked_at as "lookedAt", progress, problem from storage.drains where server = $1',
      [this.#server],
    );
    return rows[0];
  }
}

/** How far a leaving server is emptied. */
export interface DrainStatus {
  readonly lookedAt: Date;
  /** Null before the first look has come to its end. */
  readonly progress: DrainProgress | null;
  /** Why the last look came to no end; null where it did. */
  readonly problem: string | null;
}
