import type { Database } from '@holdfast/common/database';
import { GroupCommit } from '../group-commit.js';
import { whileDatabaseReturns } from './database-errors.js';

interface Renewal {
  readonly storageIndex: Uint8Array;
  readonly account: number;
}

/** The rows of one server in `storage.leases`. */
export class LeaseRecords {
  readonly #database: Database;
  readonly #server: number;
  readonly #leaseSeconds: number;
  readonly #renewing: GroupCommit<Renewal, number>;

  /**
   * @param server this server's key
   * @param leaseDuration milliseconds
   */
  constructor(database: Database, server: number, leaseDuration: number) {
    this.#database = database;
    this.#server = server;
    this.#leaseSeconds = leaseDuration / 1000;
    this.#renewing = new GroupCommit((renewals) => this.#upsert(renewals));
  }

  /**
   * Adds or renews an account's lease on all stable shares of a storage index. Durable when this resolves.
   *
   * @returns how many shares it has a lease on now
   */
  renew(storageIndex: Uint8Array, account: number): Promise<number> {
    return this.#renewing.submit({ storageIndex, account });
  }

  async #upsert(renewals: readonly Renewal[]): Promise<number[]> {
    const keys = renewals.map(renewalKey);
    // The same lease twice in one statement would be an error in Postgres.
    const distinct = [...new Map(renewals.map((renewal, index) => [keys[index], renewal])).values()];
    const { rows } = await whileDatabaseReturns(() =>
      this.#database.pool.query<{ storage_index: Buffer; account: number; shares: number }>({
        name: 'storage-renew',
        text: `with renewed as (
                 insert into storage.leases (server, storage_index, share_number, account, renewed_at, expires_at)
                 select $1, storage_index, share_number, account, now(), now() + make_interval(secs => $4)
                   from unnest($2::bytea[], $3::int[]) as wanted (storage_index, account)
                   join storage.shares using (storage_index)
                  where server = $1 and state = 'stable'
                 on conflict (server, storage_index, share_number, account) do update
                   set renewed_at = excluded.renewed_at,
                       expires_at = greatest(leases.expires_at, excluded.expires_at)
                 returning storage_index, account)
               select storage_index, account, count(*)::int as shares from renewed group by 1, 2`,
        values: [
          this.#server,
          distinct.map((renewal) => Buffer.from(renewal.storageIndex)),
          distinct.map((renewal) => renewal.account),
          this.#leaseSeconds,
        ],
      }),
    );
    const shares = new Map(
      rows.map((row) => [renewalKey({ storageIndex: row.storage_index, account: row.account }), row.shares]),
    );
    return keys.map((key) => shares.get(key) ?? 0);
  }
}

function renewalKey({ storageIndex, account }: Renewal): string {
  return `${Buffer.from(storageIndex).toString('hex')}/${account}`;
}
