import { type Database, GroupCommit } from '@holdfast/common/database';
import type { PoolClient } from 'pg';
import { changeTotals } from '../usage/totals.js';
import { type AddressRow, toAddress } from './address-row.js';
import { whileDatabaseReturns } from './database-errors.js';
import { leaseOwners, leaseShares } from './lease-owners.js';
import { keyOf, type UploadedShare, uploadedValues } from './share-records.js';

/**
 * What became of a share that was to be recorded. Nothing where it is `limited`, as its account has a quota, or `known`,
 * as there is a record of it that is not of a stable share like this one.
 */
export type RecordOutcome = 'recorded' | 'known' | 'limited';

/** The rows of shares of one server that were put in their places before they had any. */
export class PlacedRecords {
  readonly #database: Database;
  readonly #server: number;
  readonly #leaseSeconds: number;
  readonly #recording: GroupCommit<UploadedShare, RecordOutcome>;

  /**
   * @param server this server's key
   * @param leaseDuration milliseconds
   */
  constructor(database: Database, server: number, leaseDuration: number) {
    this.#database = database;
    this.#server = server;
    this.#leaseSeconds = leaseDuration / 1000;
    this.#recording = new GroupCommit((shares) => this.#insert(shares));
  }

  /**
   * Records that a share is in its final place, with its leases: `ShareRecords.promise` and `close` in one statement.
   * Durable when this resolves to `recorded`. It may be done twice.
   */
  record(share: UploadedShare): Promise<RecordOutcome> {
    return this.#recording.submit(share);
  }

  /** For each of some shares whether there is a stable record of it, as immutable and of its size. */
  async stableOf(client: PoolClient, shares: readonly UploadedShare[]): Promise<boolean[]> {
    const { rows } = await client.query<AddressRow>(
      `select storage_index, share_number
         from unnest($2::bytea[], $3::int[], $4::bigint[]) as placed (storage_index, share_number, size)
         join storage.shares using (storage_index, share_number, size)
        where server = $1 and state = 'stable' and kind = 'immutable'`,
      uploadedValues(this.#server, shares).slice(0, 4),
    );
    const stable = new Set(rows.map((row) => keyOf(toAddress(row))));
    return shares.map((share) => stable.has(keyOf(share)));
  }

  /** A stable record without its share is one that the disk lost: here it is again. */
  async #insert(shares: readonly UploadedShare[]): Promise<RecordOutcome[]> {
    const { rows } = await whileDatabaseReturns(() =>
      this.#database.pool.query<AddressRow & { limited: boolean }>({
        name: 'storage-record-placed',
        text: `with wanted as (
                 select *, (select quota is not null from storage.accounts where key = account) as limited
                   from unnest($2::bytea[], $3::int[], $4::bigint[], $5::int[])
                     as wanted (storage_index, share_number, size, account)),
               stable as (
                 insert into storage.shares as known (server, storage_index, share_number, state, size, uploader)
                 select $1, storage_index, share_number, 'stable', size, account from wanted where not limited
                  order by storage_index, share_number
                 on conflict (server, storage_index, share_number)
                   do update set state = 'stable'
                   where known.state = 'stable' and known.kind = 'immutable' and known.size = excluded.size
                 returning storage_index, share_number, size),
               recorded as (
                 select storage_index, share_number, account
                   from stable join wanted using (storage_index, share_number)),
               ${leaseOwners('recorded', '$6')},
               ${leaseShares},
               changed (account, bytes, shares, promised) as (
                 select account, size, 1, 0
                   from leased join stable using (storage_index, share_number) where begun),
               ${changeTotals}
               select storage_index, share_number, limited
                 from wanted left join stable using (storage_index, share_number) where stable.size is null`,
        values: [...uploadedValues(this.#server, shares), this.#leaseSeconds],
      }),
    );
    const others = new Map<string, RecordOutcome>(
      rows.map((row) => [keyOf(toAddress(row)), row.limited ? 'limited' : 'known']),
    );
    return shares.map((share) => others.get(keyOf(share)) ?? 'recorded');
  }
}
