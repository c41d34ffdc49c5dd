import { type Database, GroupCommit } from '@holdfast/common/database';
import { base32Encode, type ShareAddress } from '@holdfast/lafs';
import type { Pool, PoolClient } from 'pg';
import { changeTotals } from '../usage/totals.js';
import { type AddressRow, toAddress } from './address-row.js';
import { changedBeforeLock } from './changed-before-lock.js';
import { whileDatabaseReturns } from './database-errors.js';
import { leaseOwners, leaseShares } from './lease-owners.js';
import { lockShares } from './lock-shares.js';

/** A share that somebody wants to upload, or has uploaded. */
export interface UploadedShare extends ShareAddress {
  /** Bytes of data. */
  readonly size: number;
  /** Key of the uploader's account. */
  readonly account: number;
}

/** On its way in, stored, or being deleted. */
export type ShareState = 'coming' | 'stable' | 'going';

/** The rows of one server in `storage.shares`, and the leases that come and go with them. */
export class ShareRecords {
  readonly #database: Database;
  readonly #server: number;
  readonly #leaseSeconds: number;
  readonly #promising: GroupCommit<readonly UploadedShare[], readonly boolean[] | 'limited'>;
  readonly #closing: GroupCommit<UploadedShare, undefined>;
  readonly #forgetting: GroupCommit<ShareAddress, undefined>;

  /**
   * @param server this server's key
   * @param leaseDuration milliseconds
   */
  constructor(database: Database, server: number, leaseDuration: number) {
    this.#database = database;
    this.#server = server;
    this.#leaseSeconds = leaseDuration / 1000;
    this.#promising = new GroupCommit((requests) => this.#promiseAll(requests), 100);
    this.#closing = new GroupCommit((shares) => this.#insertStable(shares));
    this.#forgetting = new GroupCommit((shares) => this.#deleteComing(shares));
  }

  /**
   * Records that shares of one account are coming. The caller has made sure that none of them is in the backend or on
   * its way in.
   *
   * @returns for each whether it may come: one that is going may not. `limited` where the account has a quota, and
   *   nothing was recorded: see `Admission`
   */
  promise(shares: readonly UploadedShare[]): Promise<readonly boolean[] | 'limited'> {
    return this.#promising.submit(shares);
  }

  /** The same within a transaction that keeps to the account's quota, if it has one. */
  async promiseWithin(client: PoolClient, shares: readonly UploadedShare[]): Promise<readonly boolean[]> {
    if (shares.length === 0) return [];
    const refused = await this.#insertComing(client, shares);
    return shares.map((share) => !refused.has(keyOf(share)));
  }

  /** Locks the rows of some shares within a transaction, before anything that locks totals: see usage/totals.ts. */
  lockWithin(client: PoolClient, shares: readonly ShareAddress[]): Promise<void> {
    return lockShares(client, this.#server, shares);
  }

  /**
   * Records that a share is in its final place, with the uploader's lease on it, or where that is a repairer with those
   * of who keeps the file (see `leaseOwners`). Durable when this resolves.
   */
  close(share: UploadedShare): Promise<void> {
    return this.#closing.submit(share);
  }

  /** Forgets a share that is not coming after all. */
  forget(share: ShareAddress): Promise<void> {
    return this.#forgetting.submit(share);
  }

  /** The coming shares, from after one on, in order. */
  async comingAfter(last: ShareAddress | undefined, limit: number): Promise<ShareAddress[]> {
    const { rows } = await this.#database.pool.query<AddressRow>(
      `select storage_index, share_number from storage.shares
        where server = $1 and state = 'coming' and (storage_index, share_number) > ($2, $3)
        order by storage_index, share_number limit $4`,
      [this.#server, last?.storageIndex ?? Buffer.alloc(0), last?.shareNumber ?? -1, limit],
    );
    return rows.map(toAddress);
  }

  /**
   * The stable shares, from after one on, in order.
   *
   * @throws StorageError `database-unavailable`
   */
  async stableAfter(last: ShareAddress | undefined, limit: number): Promise<ShareAddress[]> {
    const { rows } = await whileDatabaseReturns(() =>
      this.#database.pool.query<AddressRow>({
        name: 'storage-stable-after',
        text: `select storage_index, share_number from storage.shares
                where server = $1 and state = 'stable' and (storage_index, share_number) > ($2, $3)
                order by storage_index, share_number limit $4`,
        values: [this.#server, last?.storageIndex ?? Buffer.alloc(0), last?.shareNumber ?? -1, limit],
      }),
    );
    return rows.map(toAddress);
  }

  /**
   * Bytes of data that a stable immutable share has by its record; undefined where it has none. Of a mutable one the
   * record and the file tell of two moments, if it is written between looking at the one and at the other.
   */
  async sizeOf({ storageIndex, shareNumber }: ShareAddress): Promise<number | undefined> {
    const { rows } = await this.#database.pool.query<{ size: number }>({
      name: 'storage-size-of',
      text: `select size from storage.shares
              where server = $1 and storage_index = $2 and share_number = $3 and state = 'stable'
                and kind = 'immutable'`,
      values: [this.#server, Buffer.from(storageIndex), shareNumber],
    });
    return rows[0]?.size;
  }

  /**
   * Those of some shares that have no record, whatever its state.
   *
   * @throws StorageError `database-unavailable`
   */
  unrecorded(shares: readonly ShareAddress[]): Promise<ShareAddress[]> {
    return whileDatabaseReturns(() => this.unrecordedWithin(this.#database.pool, shares));
  }

  /** The same within a transaction. */
  async unrecordedWithin(
    client: Pool | PoolClient,
    shares: readonly ShareAddress[],
  ): Promise<ShareAddress[]> {
    if (shares.length === 0) return [];
    const { rows } = await client.query<AddressRow>({
      name: 'storage-unrecorded',
      text: `select storage_index, share_number
               from unnest($2::bytea[], $3::int[]) as asked (storage_index, share_number)
              -- No join, so that a database without statistics cannot plan it badly.
              where (select s.server from storage.shares as s
                      where s.server = $1 and s.storage_index = asked.storage_index
                        and s.share_number = asked.share_number) is null`,
      values: [
        this.#server,
        shares.map((share) => Buffer.from(share.storageIndex)),
        shares.map((share) => share.shareNumber),
      ],
    });
    return rows.map(toAddress);
  }

  /**
   * Most shares are new here: those that have a row already are looked at closely, by a second statement. Whether an
   * account has a quota is decided by the first.
   */
  async #promiseAll(
    requests: readonly (readonly UploadedShare[])[],
  ): Promise<(readonly boolean[] | 'limited')[]> {
    const shares = requests.flat();
    const passedOver = await whileDatabaseReturns(() => this.#insertNew(shares));
    if (passedOver.size === 0) return requests.map((request) => request.map(() => true));
    const known = shares.filter((share) => passedOver.get(keyOf(share)) === 'known');
    const refused = new Set(
      known.length === 0
        ? []
        : await whileDatabaseReturns(() => this.#insertComing(this.#database.pool, known)),
    );
    return requests.map((request) =>
      request.some((share) => passedOver.get(keyOf(share)) === 'limited')
        ? 'limited'
        : request.map((share) => !refused.has(keyOf(share))),
    );
  }

  /** @returns the shares that were not recorded: their account has a quota, or there is a row of them */
  async #insertNew(shares: readonly UploadedShare[]): Promise<ReadonlyMap<string, 'known' | 'limited'>> {
    const { rows } = await this.#database.pool.query<AddressRow & { limited: boolean }>({
      name: 'storage-promise-new',
      text: `with relaxed as (select set_config('synchronous_commit', 'off', true)),
             wanted as (
               select *, (select quota is not null from storage.accounts where key = account) as limited
                 from unnest($2::bytea[], $3::int[], $4::bigint[], $5::int[])
                   as wanted (storage_index, share_number, size, account)),
             coming as (
               insert into storage.shares (server, storage_index, share_number, state, size, uploader)
               select $1, storage_index, share_number, 'coming', size, account
                 from wanted, relaxed where not limited
                order by storage_index, share_number
               on conflict do nothing
               returning storage_index, share_number, size, uploader),
             changed (account, bytes, shares, promised) as (select uploader, 0, 0, size from coming),
             ${changeTotals}
             select storage_index, share_number, limited
               from wanted left join coming using (storage_index, share_number) where uploader is null`,
      values: uploadedValues(this.#server, shares),
    });
    return new Map(rows.map((row) => [keyOf(toAddress(row)), row.limited ? 'limited' : 'known']));
  }

  /**
   * The commit is not waited for to reach the disk: if Postgres loses these rows in a crash, `close` makes them anew.
   * A stable row whose share is not in the backend (the disk lost it) may come again, with the size that its
   * leaseholders pay for; so may a coming one that could not be forgotten.
   *
   * @returns the shares that may not come
   */
  async #insertComing(
    client: Pool | PoolClient,
    shares: readonly UploadedShare[],
  ): Promise<ReadonlySet<string>> {
    const { rows } = await client.query<AddressRow>({
      name: 'storage-promise',
      text: `with relaxed as (select set_config('synchronous_commit', 'off', true)),
               wanted as (
                 select * from unnest($2::bytea[], $3::int[], $4::bigint[], $5::int[])
                   as wanted (storage_index, share_number, size, account)),
               before as materialized (
                 select storage_index, share_number, state, kind, shares.size, uploader,
                        ${changedBeforeLock} as changed
                   from wanted join storage.shares using (storage_index, share_number)
                  where server = $1
                  order by storage_index, share_number for update of shares),
               coming as (
                 insert into storage.shares (server, storage_index, share_number, state, size, uploader)
                 select $1, storage_index, share_number, 'coming', wanted.size, account
                   from wanted left join before using (storage_index, share_number), relaxed
                  where state is null
                     or kind = 'immutable'
                        and (state <> 'going' and before.size = wanted.size
                             -- Not by "exists", which may be planned as a hash of all leases.
                             or state = 'coming' and (
                                  select true from storage.leases where server = $1
                                     and leases.storage_index = wanted.storage_index
                                     and leases.share_number = wanted.share_number limit 1) is null)
                  order by storage_index, share_number
                 on conflict (server, storage_index, share_number)
                   do update set state = 'coming', size = excluded.size, uploader = excluded.uploader
                 returning storage_index, share_number, size, uploader, xmax = 0 as added),
               changed (account, bytes, shares, promised) as (
                 select uploader, 0, 0, size from coming
                  union all
                 select before.uploader, 0, 0, -before.size
                   from coming join before using (storage_index, share_number)
                  where not added and state = 'coming' and before.uploader is not null
                  union all
                 select coming.uploader, 0, 0, storage.changed_meanwhile()
                   from coming left join before using (storage_index, share_number)
                  where not added and (state is null or changed)),
               ${changeTotals}
               select storage_index, share_number
                 from wanted left join coming using (storage_index, share_number) where added is null`,
      values: uploadedValues(this.#server, shares),
    });
    return new Set(rows.map((row) => keyOf(toAddress(row))));
  }

  async #insertStable(shares: readonly UploadedShare[]): Promise<undefined[]> {
    await whileDatabaseReturns(() =>
      this.#database.pool.query({
        name: 'storage-close',
        text: `with closed as (
                 select * from unnest($2::bytea[], $3::int[], $4::bigint[], $5::int[])
                   as closed (storage_index, share_number, size, account)),
               stable as (
                 insert into storage.shares as known (server, storage_index, share_number, state, size, uploader)
                 select $1, storage_index, share_number, 'stable', size, account from closed
                  order by storage_index, share_number
                 on conflict (server, storage_index, share_number)
                   do update set state = 'stable' where known.state = 'coming'
                 returning storage_index, share_number, size, uploader, xmax = 0 as added),
               ${leaseOwners('closed', '$6')},
               ${leaseShares},
               changed (account, bytes, shares, promised) as (
                 select uploader, 0, 0, -size from stable where not added and uploader is not null
                  union all
                 select account, coalesce(stable.size, (
                          select size from storage.shares
                           where server = $1 and state = 'stable'
                             and shares.storage_index = leased.storage_index
                             and shares.share_number = leased.share_number), storage.changed_meanwhile()), 1, 0
                   from leased left join stable using (storage_index, share_number) where begun),
               ${changeTotals}
               select`,
        values: [...uploadedValues(this.#server, shares), this.#leaseSeconds],
      }),
    );
    return shares.map(() => undefined);
  }

  /** A share that was to come again goes back to being recorded as it was: its leases are no uploader's to end. */
  async #deleteComing(shares: readonly ShareAddress[]): Promise<undefined[]> {
    await whileDatabaseReturns(() =>
      this.#database.pool.query({
        name: 'storage-forget',
        text: `with given_up as materialized (
                 select storage_index, share_number, (
                          select true from storage.leases where server = $1
                             and leases.storage_index = shares.storage_index
                             and leases.share_number = shares.share_number limit 1) is not null as leased,
                        ${changedBeforeLock} as changed
                   from unnest($2::bytea[], $3::int[]) as given_up (storage_index, share_number)
                   join storage.shares using (storage_index, share_number)
                  where server = $1 and state = 'coming'
                  order by storage_index, share_number for update of shares),
               forgotten as (
                 delete from storage.shares using given_up
                  where server = $1 and shares.storage_index = given_up.storage_index
                    and shares.share_number = given_up.share_number and not leased
                 returning uploader, size),
               kept as (
                 update storage.shares set state = 'stable' from given_up
                  where server = $1 and shares.storage_index = given_up.storage_index
                    and shares.share_number = given_up.share_number and leased
                 returning uploader, size),
               changed (account, bytes, shares, promised) as (
                 select uploader, 0, 0, -size
                   from (select * from forgotten union all select * from kept) as no_longer_coming
                  where uploader is not null
                  union all
                 select null, 0, 0, storage.changed_meanwhile() from given_up where changed),
               ${changeTotals}
               select`,
        values: [
          this.#server,
          shares.map((share) => Buffer.from(share.storageIndex)),
          shares.map((share) => share.shareNumber),
        ],
      }),
    );
    return shares.map(() => undefined);
  }
}

/** Parameters `$1` to `$5` of a statement on some shares: the server, and their indexes, numbers, sizes and accounts. */
export function uploadedValues(server: number, shares: readonly UploadedShare[]): unknown[] {
  return [
    server,
    shares.map((share) => Buffer.from(share.storageIndex)),
    shares.map((share) => share.shareNumber),
    shares.map((share) => share.size),
    shares.map((share) => share.account),
  ];
}

/** A share's address as text, to look it up by. */
export function keyOf({ storageIndex, shareNumber }: ShareAddress): string {
  return `${base32Encode(storageIndex)}/${shareNumber}`;
}
