import { type Database, GroupCommit } from '@holdfast/common/database';
import type { ShareAddress } from '@holdfast/lafs';
import type { Pool, PoolClient } from 'pg';
import { changeTotals } from '../usage/totals.js';
import { whileDatabaseReturns } from './database-errors.js';
import { leaseEnd } from './lease-end.js';
import { leaseOwners } from './lease-owners.js';

interface Renewal {
  readonly storageIndex: Uint8Array;
  readonly account: number;
}

/** A lease that an account is to have on a share. */
export interface NewLease extends ShareAddress {
  /** The account's key. */
  readonly account: number;
}

/** The rows of one server in `storage.leases`. */
export class LeaseRecords {
  readonly #database: Database;
  readonly #server: number;
  readonly #leaseSeconds: number;
  readonly #renewing: GroupCommit<Renewal, ReadonlySet<number>>;
  readonly #beginning: GroupCommit<readonly NewLease[], readonly boolean[] | 'limited'>;

  /**
   * @param server this server's key
   * @param leaseDuration milliseconds
   */
  constructor(database: Database, server: number, leaseDuration: number) {
    this.#database = database;
    this.#server = server;
    this.#leaseSeconds = leaseDuration / 1000;
    this.#renewing = new GroupCommit((renewals) => this.#update(renewals));
    this.#beginning = new GroupCommit((requests) => this.#beginAll(requests), 100);
  }

  /**
   * Renews the leases that an account has on shares of a storage index. Durable when this resolves.
   *
   * @returns the numbers of the shares it has a lease on
   */
  renew(storageIndex: Uint8Array, account: number): Promise<ReadonlySet<number>> {
    return this.#renewing.submit({ storageIndex, account });
  }

  /**
   * Gives one account leases on stable shares, or renews them; where it is a repairer, those who keep the file (see
   * `leaseOwners`). Durable when this resolves.
   *
   * @returns for each whether there is the lease now: not where the share has no stable record. `limited` where the
   *   account has a quota, and nothing was done: see `Admission`
   */
  begin(leases: readonly NewLease[]): Promise<readonly boolean[] | 'limited'> {
    return this.#beginning.submit(leases);
  }

  /** The same within a transaction that keeps to the account's quota, if it has one. */
  async beginWithin(client: PoolClient, leases: readonly NewLease[]): Promise<readonly boolean[]> {
    if (leases.length === 0) return [];
    const begun = await this.#insert(client, leases, true);
    return leases.map((lease) => begun.has(leaseKey(lease)));
  }

  async #update(renewals: readonly Renewal[]): Promise<ReadonlySet<number>[]> {
    const keys = renewals.map(renewalKey);
    const distinct = [...new Map(renewals.map((renewal, index) => [keys[index], renewal])).values()];
    const { rows } = await whileDatabaseReturns(() =>
      this.#database.pool.query<{ storage_index: Buffer; account: number; shares: number[] }>({
        name: 'storage-renew',
        // Locked in the order of the keys, as by all who lock several.
        text: `with held as materialized (
                 select storage_index, share_number, account
                   from storage.leases
                   join unnest($2::bytea[], $3::int[]) as wanted (storage_index, account)
                        using (storage_index, account)
                  where server = $1
                  order by storage_index, share_number, account for no key update of leases),
               renewed as (
                 update storage.leases
                    set renewed_at = now(),
                        expires_at = greatest(expires_at, ${leaseEnd('leases.account', '$4')})
                   from held
                  where leases.server = $1 and leases.storage_index = held.storage_index
                    and leases.share_number = held.share_number and leases.account = held.account
                 returning leases.storage_index, leases.account, leases.share_number)
               select storage_index, account, array_agg(share_number) as shares from renewed group by 1, 2`,
        values: [
          this.#server,
          distinct.map((renewal) => Buffer.from(renewal.storageIndex)),
          distinct.map((renewal) => renewal.account),
          this.#leaseSeconds,
        ],
      }),
    );
    const shares = new Map(
      rows.map((row) => [
        renewalKey({ storageIndex: row.storage_index, account: row.account }),
        new Set(row.shares),
      ]),
    );
    return keys.map((key) => shares.get(key) ?? new Set());
  }

  async #beginAll(requests: readonly (readonly NewLease[])[]): Promise<(readonly boolean[] | 'limited')[]> {
    const begun = await whileDatabaseReturns(() => this.#insert(this.#database.pool, requests.flat(), false));
    return requests.map((leases) => {
      const answers = leases.map((lease) => begun.get(leaseKey(lease)));
      return answers.includes('limited') ? 'limited' : answers.map((answer) => answer === 'leased');
    });
  }

  async #insert(
    client: Pool | PoolClient,
    leases: readonly NewLease[],
    withinQuota: boolean,
  ): Promise<ReadonlyMap<string, 'leased' | 'limited'>> {
    // The same lease twice in one statement would be an error in Postgres.
    const distinct = [...new Map(leases.map((lease) => [leaseKey(lease), lease])).values()];
    const { rows } = await client.query<{
      storage_index: Buffer;
      share_number: number;
      account: number;
      limited: boolean;
    }>({
      name: 'storage-lease',
      text: `with wanted as (
               select wanted.*, quota is not null and not $6 as limited
                 from unnest($2::bytea[], $3::int[], $4::int[]) as wanted (storage_index, share_number, account)
                 left join storage.accounts on key = account),
             there as materialized (
               select storage_index, share_number, size, account
                 from wanted join storage.shares using (storage_index, share_number)
                where server = $1 and state = 'stable' and not limited
                order by storage_index, share_number for share of shares),
             ${leaseOwners('there', '$5')},
             leased as (
               insert into storage.leases (server, storage_index, share_number, account, renewed_at, expires_at)
               -- One for each: two repairers may bring the same keepers.
               select $1, storage_index, share_number, account, now(), max(expires_at)
                 from owners
                group by storage_index, share_number, account
                order by storage_index, share_number, account
               on conflict (server, storage_index, share_number, account) do update
                 set renewed_at = excluded.renewed_at,
                     expires_at = greatest(leases.expires_at, excluded.expires_at)
               returning storage_index, share_number, account, xmax = 0 as begun),
             changed (account, bytes, shares, promised) as (
               select account, size, 1, 0
                 from leased join (select distinct storage_index, share_number, size from there) as sizes
                        using (storage_index, share_number) where begun),
             ${changeTotals}
             select storage_index, share_number, account, false as limited from there
              union all
             select storage_index, share_number, account, true from wanted where limited`,
      values: [
        this.#server,
        distinct.map((lease) => Buffer.from(lease.storageIndex)),
        distinct.map((lease) => lease.shareNumber),
        distinct.map((lease) => lease.account),
        this.#leaseSeconds,
        withinQuota,
      ],
    });
    return new Map(
      rows.map(({ storage_index: storageIndex, share_number: shareNumber, account, limited }) => [
        leaseKey({ storageIndex, shareNumber, account }),
        limited ? 'limited' : 'leased',
      ]),
    );
  }
}

function renewalKey({ storageIndex, account }: Renewal): string {
  return `${Buffer.from(storageIndex).toString('hex')}/${account}`;
}

function leaseKey(lease: NewLease): string {
  return `${renewalKey(lease)}/${lease.shareNumber}`;
}
