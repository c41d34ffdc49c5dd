import type { Database } from '@holdfast/common/database';
import type { ShareAddress } from '@holdfast/lafs';
import { GroupCommit } from '../group-commit.js';
import { changeTotals } from '../usage/totals.js';
import { whileDatabaseReturns } from './database-errors.js';
import { leaseEnd } from './lease-end.js';

interface Renewal {
  readonly storageIndex: Uint8Array;
  readonly account: number;
}

interface NewLease extends ShareAddress {
  readonly account: number;
}

/** The rows of one server in `storage.leases`. */
export class LeaseRecords {
  readonly #database: Database;
  readonly #server: number;
  readonly #leaseSeconds: number;
  readonly #renewing: GroupCommit<Renewal, ReadonlySet<number>>;
  readonly #beginning: GroupCommit<NewLease, boolean>;

  /**
   * @param server this server's key
   * @param leaseDuration milliseconds
   */
  constructor(database: Database, server: number, leaseDuration: number) {
    this.#database = database;
    this.#server = server;
    this.#leaseSeconds = leaseDuration / 1000;
    this.#renewing = new GroupCommit((renewals) => this.#update(renewals));
    this.#beginning = new GroupCommit((leases) => this.#insert(leases));
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
   * Gives an account a lease on stable shares, or renews it. Durable when this resolves.
   *
   * @returns the numbers of the shares it has a lease on now; those without a stable record are not among them
   */
  async begin(
    storageIndex: Uint8Array,
    shareNumbers: ReadonlySet<number>,
    account: number,
  ): Promise<ReadonlySet<number>> {
    const numbers = [...shareNumbers];
    const begun = await Promise.all(
      numbers.map((shareNumber) => this.#beginning.submit({ storageIndex, shareNumber, account })),
    );
    return new Set(numbers.filter((_, index) => begun[index]));
  }

  async #update(renewals: readonly Renewal[]): Promise<ReadonlySet<number>[]> {
    const keys = renewals.map(renewalKey);
    const distinct = [...new Map(renewals.map((renewal, index) => [keys[index], renewal])).values()];
    const { rows } = await whileDatabaseReturns(() =>
      this.#database.pool.query<{ storage_index: Buffer; account: number; shares: number[] }>({
        name: 'storage-renew',
        text: `with renewed as (
                 update storage.leases
                    set renewed_at = now(),
                        expires_at = greatest(expires_at, ${leaseEnd('leases.account', '$4')})
                   from unnest($2::bytea[], $3::int[]) as wanted (storage_index, account)
                  where leases.server = $1 and leases.storage_index = wanted.storage_index
                    and leases.account = wanted.account
                 returning leases.storage_index, leases.account, share_number)
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

  async #insert(leases: readonly NewLease[]): Promise<boolean[]> {
    const keys = leases.map(leaseKey);
    // The same lease twice in one statement would be an error in Postgres.
    const distinct = [...new Map(leases.map((lease, index) => [keys[index], lease])).values()];
    const { rows } = await whileDatabaseReturns(() =>
      this.#database.pool.query<{ storage_index: Buffer; share_number: number; account: number }>({
        name: 'storage-lease',
        text: `with there as materialized (
                 select storage_index, share_number, size, account
                   from unnest($2::bytea[], $3::int[], $4::int[]) as wanted (storage_index, share_number, account)
                   join storage.shares using (storage_index, share_number)
                  where server = $1 and state = 'stable'
                  order by storage_index, share_number for share of shares),
               leased as (
                 insert into storage.leases (server, storage_index, share_number, account, renewed_at, expires_at)
                 select $1, storage_index, share_number, account, now(), ${leaseEnd('account', '$5')}
                   from there
                  order by storage_index, share_number, account
                 on conflict (server, storage_index, share_number, account) do update
                   set renewed_at = excluded.renewed_at,
                       expires_at = greatest(leases.expires_at, excluded.expires_at)
                 returning storage_index, share_number, account, xmax = 0 as begun),
               changed (account, bytes, shares, promised) as (
                 select account, size, 1, 0
                   from leased join there using (storage_index, share_number, account) where begun),
               ${changeTotals}
               select storage_index, share_number, account from leased`,
        values: [
          this.#server,
          distinct.map((lease) => Buffer.from(lease.storageIndex)),
          distinct.map((lease) => lease.shareNumber),
          distinct.map((lease) => lease.account),
          this.#leaseSeconds,
        ],
      }),
    );
    const leased = new Set(
      rows.map((row) =>
        leaseKey({
          storageIndex: row.storage_index,
          shareNumber: row.share_number,
          account: row.account,
        }),
      ),
    );
    return keys.map((key) => leased.has(key));
  }
}

function renewalKey({ storageIndex, account }: Renewal): string {
  return `${Buffer.from(storageIndex).toString('hex')}/${account}`;
}

function leaseKey(lease: NewLease): string {
  return `${renewalKey(lease)}/${lease.shareNumber}`;
}
