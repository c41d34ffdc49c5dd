import type { Database } from '@holdfast/common/database';
import type { PoolClient } from 'pg';
import type { ShareKind } from '../share-backend/share-backend.js';
import { StorageError } from '../storage-error.js';
import type { Quotas } from '../usage/quota.js';
import { changeTotals } from '../usage/totals.js';
import { ChangedMeanwhile } from './changed-meanwhile.js';
import { whileDatabaseReturns } from './database-errors.js';
import { leaseEnd } from './lease-end.js';
import type { ShareState } from './share-records.js';

/** A share of a slot and how many bytes of data it has, or will have. */
export interface SlotShare {
  readonly shareNumber: number;
  readonly size: number;
}

/** A share of a slot as it is on the disk. */
export interface StoredSlotShare extends SlotShare {
  /** Whether the account has a lease on it from now on; else a record is kept up to date where there is one. */
  readonly leased: boolean;
}

interface Row {
  readonly share_number: number;
  readonly state: ShareState;
  readonly kind: 'immutable' | 'mutable';
}

type Query = (text: string, values: unknown[]) => Promise<{ rows: Row[]; rowCount: number | null }>;

/** The rows of one server's mutable shares in `storage.shares`, and the leases that come and go with them. */
export class SlotRecords {
  readonly #database: Database;
  readonly #server: number;
  readonly #leaseSeconds: number;
  readonly #quotas: Quotas;

  /**
   * @param server this server's key
   * @param leaseDuration milliseconds, where the account has none of its own
   */
  constructor(database: Database, server: number, leaseDuration: number, quotas: Quotas) {
    this.#database = database;
    this.#server = server;
    this.#quotas = quotas;
    this.#leaseSeconds = leaseDuration / 1000;
  }

  /**
   * Gives an account the room that shares of a slot will need: a new share is recorded as coming; one that is there
   * gets the account's lease, for an hour at least, and its new size. What an earlier attempt left is taken over. Durable when this
   * resolves only where the account has a quota: `record` is to follow, also after a crash.
   *
   * @param shares as they will be; those that will be removed with 0 bytes
   * @throws StorageError `quota-exceeded`, `server-busy`, `share-going`, `other-kind`, `database-unavailable`; nothing is
   *   changed then
   */
  promise(storageIndex: Uint8Array, account: number, shares: readonly SlotShare[]): Promise<void> {
    return this.#quotas.within(account, async (client) => {
      const query = queryOf(client);
      await query('set local synchronous_commit = off', []);
      const before = await this.#lock(
        query,
        storageIndex,
        shares.map(({ shareNumber }) => shareNumber),
      );
      if (before.some(({ state }) => state === 'going')) {
        throw new StorageError('share-going', 'a share of this slot is being removed: try again later');
      }
      if (before.some(({ kind }) => kind === 'immutable')) {
        throw new StorageError('other-kind', 'the shares of this storage index are immutable');
      }
      const { rowCount } = await query(
        `with wanted as (
           select * from unnest($4::int[], $5::bigint[]) as wanted (share_number, size)),
         before as materialized (
           select share_number, state, shares.size, uploader
             from wanted join storage.shares using (share_number) where server = $1 and storage_index = $2),
         coming as (
           insert into storage.shares as known (server, storage_index, share_number, state, kind, size, uploader)
           select $1, $2, share_number, 'coming', 'mutable', wanted.size, $3
             from wanted left join before using (share_number)
            where state is null or state = 'coming'
            order by share_number
           on conflict (server, storage_index, share_number) do update
             set size = excluded.size, uploader = excluded.uploader where known.state = 'coming'
           returning share_number, size),
         resized as (
           update storage.shares set size = wanted.size from wanted
            where server = $1 and storage_index = $2 and shares.share_number = wanted.share_number
              and state = 'stable' and shares.size <> wanted.size
           returning shares.share_number, wanted.size),
         leased as (
           insert into storage.leases (server, storage_index, share_number, account, renewed_at, expires_at)
           -- Until "record" follows, the share must not be taken away under the writer, whatever other leases run out.
           select $1, $2, share_number, $3, now(), greatest(${leaseEnd('$3', '$6')}, now() + interval '1 hour')
             from before where state = 'stable' order by share_number
           on conflict (server, storage_index, share_number, account) do update
             set renewed_at = excluded.renewed_at,
                 expires_at = greatest(leases.expires_at, excluded.expires_at)
           returning share_number, xmax = 0 as begun),
         changed (account, bytes, shares, promised) as (
           select $3, wanted.size, 1, 0
             from leased join wanted using (share_number) where begun
            union all
           select $3, 0, 0, size from coming
            union all
           select uploader, 0, 0, -before.size
             from coming join before using (share_number) where uploader is not null
            union all
           select account, resized.size - before.size, 0, 0
             from resized join before using (share_number)
             join storage.leases on leases.server = $1 and leases.storage_index = $2
              and leases.share_number = resized.share_number),
         ${changeTotals}
         select share_number from coming union all select share_number from before where state = 'stable'`,
        [
          this.#server,
          Buffer.from(storageIndex),
          account,
          shares.map(({ shareNumber }) => shareNumber),
          shares.map(({ size }) => size),
          this.#leaseSeconds,
        ],
      );
      if (rowCount !== shares.length) throw new ChangedMeanwhile('a record of the slot');
    });
  }

  /**
   * Records what a change made of a slot, with the account's lease on the shares that it wrote. Durable when this
   * resolves.
   *
   * @param removed shares that are gone for good, with all leases on them, and what readers reported of them
   * @throws StorageError `database-unavailable`
   */
  record(
    storageIndex: Uint8Array,
    account: number,
    stored: readonly StoredSlotShare[],
    removed: readonly number[],
  ): Promise<void> {
    return this.#inTransaction(async (query) => {
      const numbers = [...stored.map(({ shareNumber }) => shareNumber), ...removed];
      await this.#lock(query, storageIndex, numbers);
      // In the order of the keys, as by all who lock several: the next statement comes to those of removed shares last.
      if (removed.length > 0) {
        await query(
          `select from storage.leases where server = $1 and storage_index = $2 and share_number = any($3)
            order by share_number, account for update`,
          [this.#server, Buffer.from(storageIndex), numbers],
        );
      }
      const { rowCount } = await query(
        `with stored as (
           select * from unnest($4::int[], $5::bigint[], $6::boolean[]) as stored (share_number, size, leased)),
         before as materialized (
           select share_number, state, size, uploader from storage.shares
            where server = $1 and storage_index = $2
              and (share_number in (select share_number from stored) or share_number = any($7))),
         leases_before as materialized (
           select share_number, account from storage.leases where server = $1 and storage_index = $2),
         known as (
           insert into storage.shares as known (server, storage_index, share_number, state, kind, size, uploader)
           select $1, $2, share_number, 'stable', 'mutable', stored.size, $3
             from stored left join before using (share_number)
            where leased or state is not null
            order by share_number
           on conflict (server, storage_index, share_number) do update
             set state = case known.state when 'coming' then 'stable' else known.state end,
                 kind = 'mutable', size = excluded.size
           returning share_number, size),
         -- What was to come and is there was let in for the account, though its change may have been given up.
         leased as (
           insert into storage.leases (server, storage_index, share_number, account, renewed_at, expires_at)
           select $1, $2, share_number, $3, now(), ${leaseEnd('$3', '$8')}
             from stored left join before using (share_number)
            where leased or state = 'coming' order by share_number
           on conflict (server, storage_index, share_number, account) do update
             set renewed_at = excluded.renewed_at,
                 expires_at = greatest(leases.expires_at, excluded.expires_at)
           returning share_number, xmax = 0 as begun),
         forgotten as (
           delete from storage.shares
            where server = $1 and storage_index = $2 and share_number = any($7) returning share_number),
         ended as (
           delete from storage.leases
            where server = $1 and storage_index = $2 and share_number = any($7)
           returning share_number, account),
         unreported as (
           delete from storage.corruption_reports
            where server = $1 and storage_index = $2 and share_number = any($7)),
         changed (account, bytes, shares, promised) as (
           -- What was promised is there, or will not be.
           select uploader, 0, 0, -size from before where state = 'coming' and uploader is not null
            union all
           select account, known.size - coalesce(before.size, 0), (before.size is null)::int, 0
             from known join leases_before using (share_number) left join before using (share_number)
            union all
           select $3, size, 1, 0 from leased join known using (share_number) where begun
            union all
           select account, -before.size, -1, 0 from ended join before using (share_number)),
         ${changeTotals}
         select share_number from known`,
        [
          this.#server,
          Buffer.from(storageIndex),
          account,
          stored.map(({ shareNumber }) => shareNumber),
          stored.map(({ size }) => size),
          stored.map(({ leased }) => leased),
          [...removed],
          this.#leaseSeconds,
        ],
      );
      if ((rowCount ?? 0) < stored.filter(({ leased }) => leased).length)
        throw new ChangedMeanwhile('a record of the slot');
    });
  }

  /** The kind that the records of some shares of a storage index say; undefined where there are none of them. */
  async kindOf(storageIndex: Uint8Array, shareNumbers: readonly number[]): Promise<ShareKind | undefined> {
    const { rows } = await whileDatabaseReturns(() =>
      this.#database.pool.query<{ kind: ShareKind }>(
        `select kind from storage.shares
          where server = $1 and storage_index = $2 and share_number = any($3)
          order by kind = 'mutable' desc limit 1`,
        [this.#server, Buffer.from(storageIndex), [...shareNumbers]],
      ),
    );
    return rows[0]?.kind;
  }

  /** The shares of a slot that were to come and have not been recorded as stored. */
  async coming(storageIndex: Uint8Array): Promise<number[]> {
    const { rows } = await whileDatabaseReturns(() =>
      this.#database.pool.query<{ share_number: number }>(
        `select share_number from storage.shares
          where server = $1 and storage_index = $2 and state = 'coming' and kind = 'mutable'`,
        [this.#server, storageIndex],
      ),
    );
    return rows.map((row) => row.share_number);
  }

  /**
   * Locks the rows of some shares, so that the statement after this one sees them, and the leases on them, as they are
   * until the transaction ends: whoever adds a lease locks the share first.
   */
  async #lock(query: Query, storageIndex: Uint8Array, shareNumbers: readonly number[]): Promise<Row[]> {
    const { rows } = await query(
      `select share_number, state, kind from storage.shares
        where server = $1 and storage_index = $2 and share_number = any($3)
        order by share_number for update`,
      [this.#server, Buffer.from(storageIndex), [...shareNumbers]],
    );
    return rows;
  }

  #inTransaction(work: (query: Query) => Promise<void>): Promise<void> {
    return whileDatabaseReturns(() => this.#database.transaction((client) => work(queryOf(client))));
  }
}

function queryOf(client: PoolClient): Query {
  return (text, values) => client.query<Row>(text, values);
}
