import type { Database } from '@holdfast/common/database';
import type { ShareAddress } from '@holdfast/lafs';
import type { FoundBy } from './quarantine.js';

/** A share that is kept apart, and why. */
export interface DamagedShare extends ShareAddress {
  readonly foundAt: Date;
  readonly foundBy: FoundBy;
  /** One line. */
  readonly problem: string;
}

interface DamageRow {
  readonly storage_index: Buffer;
  readonly share_number: number;
  readonly found_at: Date;
  readonly found_by: FoundBy;
  readonly problem: string;
}

/** The rows of one server in `storage.damaged_shares`. */
export class DamageRecords {
  readonly #database: Database;
  readonly #server: number;

  constructor(database: Database, server: number) {
    this.#database = database;
    this.#server = server;
  }

  /** All of them, the first found first. */
  async list(): Promise<DamagedShare[]> {
    const { rows } = await this.#database.pool.query<DamageRow>(
      `select storage_index, share_number, found_at, found_by, problem
         from storage.damaged_shares where server = $1 order by found_at, storage_index, share_number`,
      [this.#server],
    );
    return rows.map((row) => ({
      storageIndex: row.storage_index,
      shareNumber: row.share_number,
      foundAt: row.found_at,
      foundBy: row.found_by,
      problem: row.problem,
    }));
  }

  /** What differs wherever `list` does: how many there are, and when the newest was found. */
  async fingerprint(): Promise<string> {
    const { rows } = await this.#database.pool.query<{ fingerprint: string }>(
      `select concat_ws(' ', count(*), max(found_at)) as fingerprint
         from storage.damaged_shares where server = $1`,
      [this.#server],
    );
    return rows[0]?.fingerprint ?? '';
  }

  /** Records damaged shares; what is known of one already stays. */
  async add(shares: readonly DamagedShare[]): Promise<void> {
    await this.#database.pool.query(
      `insert into storage.damaged_shares (server, storage_index, share_number, found_at, found_by, problem)
       select $1, * from unnest($2::bytea[], $3::int[], $4::timestamptz[], $5::text[], $6::text[])
       on conflict do nothing`,
      [
        this.#server,
        shares.map((share) => Buffer.from(share.storageIndex)),
        shares.map((share) => share.shareNumber),
        shares.map((share) => share.foundAt),
        shares.map((share) => share.foundBy),
        shares.map((share) => share.problem),
      ],
    );
  }

  /**
   * Takes a share, or all, out of quarantine.
   *
   * @returns how many were in it
   */
  async release(share: ShareAddress | 'all'): Promise<number> {
    const { rowCount } =
      share === 'all'
        ? await this.#database.pool.query('delete from storage.damaged_shares where server = $1', [
            this.#server,
          ])
        : await this.#database.pool.query(
            `delete from storage.damaged_shares
              where server = $1 and storage_index = $2 and share_number = $3`,
            [this.#server, Buffer.from(share.storageIndex), share.shareNumber],
          );
    return rowCount ?? 0;
  }
}
