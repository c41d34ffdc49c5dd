import type { Database } from '@holdfast/common/database';
import type { ShareAddress } from '@holdfast/lafs';
import { leaseToStarter } from '../leases/lease-to-starter.js';
import type { DamagedPart, FoundBy } from './quarantine.js';

/** A share that is kept apart, and why. */
export interface DamagedShare extends ShareAddress {
  readonly foundAt: Date;
  readonly foundBy: FoundBy;
  /** One line. */
  readonly problem: string;
  readonly part: DamagedPart;
}

/** The same with what the other records say of it. */
export interface DamagedShareInUse extends DamagedShare {
  /** Bytes of data; undefined where no record tells. */
  readonly bytes: number | undefined;
  /** How many leases there are on it. */
  readonly leases: number;
}

interface DamageRow {
  readonly storage_index: Buffer;
  readonly share_number: number;
  readonly found_at: Date;
  readonly found_by: FoundBy;
  readonly problem: string;
  readonly part: DamagedPart;
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
      `select storage_index, share_number, found_at, found_by, problem, part
         from storage.damaged_shares where server = $1 order by found_at, storage_index, share_number`,
      [this.#server],
    );
    return rows.map(toDamagedShare);
  }

  /** All of them as `list` gives them, each with its size and how many leases there are on it. */
  async listInUse(): Promise<DamagedShareInUse[]> {
    const { rows } = await this.#database.pool.query<DamageRow & { size: number | null; leases: number }>(
      `select d.*, size, (select count(*)::int from storage.leases as l
                           where l.server = $1 and l.storage_index = d.storage_index
                             and l.share_number = d.share_number) as leases
         from storage.damaged_shares as d left join storage.shares using (server, storage_index, share_number)
        where server = $1 order by found_at, storage_index, share_number`,
      [this.#server],
    );
    return rows.map((row) => ({
      ...toDamagedShare(row),
      bytes: row.size ?? undefined,
      leases: row.leases,
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
      `insert into storage.damaged_shares (server, storage_index, share_number, found_at, found_by, problem, part)
       select $1, * from unnest($2::bytea[], $3::int[], $4::timestamptz[], $5::text[], $6::text[],
                                $7::storage.damaged_part[])
       on conflict do nothing`,
      [
        this.#server,
        shares.map((share) => Buffer.from(share.storageIndex)),
        shares.map((share) => share.shareNumber),
        shares.map((share) => share.foundAt),
        shares.map((share) => share.foundBy),
        shares.map((share) => share.problem),
        shares.map((share) => share.part),
      ],
    );
  }

  /**
   * Takes a share, or all, out of quarantine. What has lost its last lease there gets one of `starter`, so that it
   * expires as any other share does.
   *
   * @param leaseDuration milliseconds, where `starter` has none of its own
   * @returns how many were in it
   */
  async release(share: ShareAddress | 'all', leaseDuration: number): Promise<number> {
    const chosen = share === 'all' ? '' : 'and d.storage_index = $2 and d.share_number = $3';
    const values =
      share === 'all' ? [this.#server] : [this.#server, Buffer.from(share.storageIndex), share.shareNumber];
    return this.#database.transaction(async (client) => {
      // Shares come first, as with whoever collects them.
      await client.query(
        `select from storage.shares join storage.damaged_shares as d using (server, storage_index, share_number)
          where server = $1 ${chosen} order by storage_index, share_number for update of shares`,
        values,
      );
      const { rows } = await client.query<DamageRow>(
        `delete from storage.damaged_shares as d where server = $1 ${chosen} returning *`,
        values,
      );
      await leaseToStarter(client, this.#server, rows.map(toDamagedShare), leaseDuration);
      return rows.length;
    });
  }
}

function toDamagedShare(row: DamageRow): DamagedShare {
  return {
    storageIndex: row.storage_index,
    shareNumber: row.share_number,
    foundAt: row.found_at,
    foundBy: row.found_by,
    problem: row.problem,
    part: row.part,
  };
}
