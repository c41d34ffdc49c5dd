import type { ShareAddress } from '@holdfast/lafs';
import type pg from 'pg';
import { type AddressRow, toAddress } from '../records/address-row.js';
import { lockShares } from '../records/lock-shares.js';
import type { Generation } from '../recovery/generation.js';
import { changeTotals } from '../usage/totals.js';
import { damagedContainer } from './damaged-container.js';
import { lockForDeletion } from './deletion-lock.js';

/** A share that nobody has a lease on any more. */
export interface GoingShare extends ShareAddress {
  /** Bytes of data. */
  readonly size: number;
}

/**
 * What the collector does to the rows of one server, on the connection that holds its lock.
 *
 * Whoever adds a lease locks the share and looks whether it is stable; so does whoever marks it as going, and looks
 * whether there is a lease. So no share is going that has one.
 */
export class CollectionRecords {
  readonly #client: pg.PoolClient;
  readonly #server: number;
  readonly #generation: Pick<Generation, 'requireCurrentIn'>;

  /** @param server this server's key */
  constructor(client: pg.PoolClient, server: number, generation: Pick<Generation, 'requireCurrentIn'>) {
    this.#client = client;
    this.#server = server;
    this.#generation = generation;
  }

  /**
   * Ends leases that have run out, those first that did so first, and marks as going the shares that this leaves
   * without a lease: but for those that are on their way in, and for those whose container is damaged, which are kept.
   *
   * @returns how many leases were ended, and the shares
   * @throws RecordsNotCurrentError, MarkError
   */
  async expire(limit: number): Promise<{ leases: number; going: GoingShare[] }> {
    return this.#transaction(async () => {
      const { rows: due } = await this.#client.query<AddressRow>({
        name: 'storage-due',
        text: `select distinct storage_index, share_number
                 from (select storage_index, share_number from storage.leases
                        where server = $1 and expires_at <= now() order by expires_at limit $2) as due`,
        values: [this.#server, limit],
      });
      if (due.length === 0) return { leases: 0, going: [] };
      const shares = due.map(toAddress);
      const addresses = this.#addresses(shares);
      await lockShares(this.#client, this.#server, shares);
      const { rows: ended } = await this.#client.query<{ leases: number }>({
        name: 'storage-end-leases',
        text: `with due as materialized (
                 select storage_index, share_number, account
                   from storage.leases join unnest($2::bytea[], $3::int[]) as due (storage_index, share_number)
                        using (storage_index, share_number)
                  where server = $1 and expires_at <= now()
                  order by storage_index, share_number, account for update of leases),
               ended as (
                 delete from storage.leases using due
                  where leases.server = $1 and leases.storage_index = due.storage_index
                    and leases.share_number = due.share_number and leases.account = due.account
                 returning leases.storage_index, leases.share_number, leases.account),
               -- Whoever waits for a coming share goes by the leases that it saw before, unless the row is another one
               -- than it saw ("changedBeforeLock"): a lock alone leaves it the same.
               touched as (
                 update storage.shares set state = state
                   from (select distinct storage_index, share_number from ended) as unleased
                  where server = $1 and shares.storage_index = unleased.storage_index
                    and shares.share_number = unleased.share_number and state = 'coming'),
               changed (account, bytes, shares, promised) as (
                 select account, -size, -1, 0
                   from ended join storage.shares using (storage_index, share_number) where server = $1),
               ${changeTotals}
               select count(*)::int as leases from ended`,
        values: addresses,
      });
      // A statement of its own: it sees every lease that was added or renewed before the locks were had.
      const { rows: going } = await this.#client.query<AddressRow & { size: number }>({
        name: 'storage-mark-going',
        text: `update storage.shares set state = 'going'
                 from unnest($2::bytea[], $3::int[]) as due (storage_index, share_number)
                where server = $1 and shares.storage_index = due.storage_index
                  and shares.share_number = due.share_number and state = 'stable'
                  and coalesce(${aLease('due')}, ${damagedContainer('due')}) is null
               returning shares.storage_index, shares.share_number, size`,
        values: addresses,
      });
      return {
        leases: ended[0]?.leases ?? 0,
        going: going.map((row) => ({ ...toAddress(row), size: row.size })),
      };
    });
  }

  /** Lets Postgres see how large its tables are. */
  async analyze(): Promise<void> {
    await this.#client.query('analyze storage.shares, storage.leases');
  }

  /** Shares that a pass marked as going and did not remove, from after one on, in order. */
  async goingAfter(last: ShareAddress | undefined, limit: number): Promise<GoingShare[]> {
    const { rows } = await this.#client.query<AddressRow & { size: number }>(
      `select storage_index, share_number, size from storage.shares
        where server = $1 and state = 'going' and (storage_index, share_number) > ($2, $3)
        order by storage_index, share_number limit $4`,
      [this.#server, last?.storageIndex ?? Buffer.alloc(0), last?.shareNumber ?? -1, limit],
    );
    return rows.map((row) => ({ ...toAddress(row), size: row.size }));
  }

  /**
   * Removes shares that are going, and then their rows. If it ends in between they are still going, and are removed by
   * the next pass.
   *
   * @param remove removes shares from the backend, and tells those that are gone
   * @returns those that are gone; a share that is not going, or has a lease after all, is left alone
   * @throws RecordsNotCurrentError, MarkError
   */
  async remove(
    shares: readonly GoingShare[],
    remove: (shares: readonly GoingShare[]) => Promise<readonly GoingShare[]>,
  ): Promise<readonly GoingShare[]> {
    return this.#transaction(async () => {
      await lockForDeletion(this.#client, this.#server);
      const { rows } = await this.#client.query<AddressRow & { size: number }>({
        name: 'storage-lock-going',
        text: `select storage_index, share_number, size
                 from storage.shares join unnest($2::bytea[], $3::int[]) as going (storage_index, share_number)
                        using (storage_index, share_number)
                where server = $1 and state = 'going' and ${aLease('shares')} is null
                order by storage_index, share_number for update of shares`,
        values: this.#addresses(shares),
      });
      const gone = await remove(rows.map((row) => ({ ...toAddress(row), size: row.size })));
      await this.#client.query({
        name: 'storage-delete-going',
        text: `delete from storage.shares using unnest($2::bytea[], $3::int[]) as gone (storage_index, share_number)
                where server = $1 and shares.storage_index = gone.storage_index
                  and shares.share_number = gone.share_number and state = 'going'`,
        values: this.#addresses(gone),
      });
      // Whatever was wrong with them is gone with them, also what a reader found when they were going already: they can
      // come again.
      await this.#client.query({
        name: 'storage-delete-damage',
        text: `delete from storage.damaged_shares using unnest($2::bytea[], $3::int[]) as gone (storage_index, share_number)
                where server = $1 and damaged_shares.storage_index = gone.storage_index
                  and damaged_shares.share_number = gone.share_number`,
        values: this.#addresses(gone),
      });
      await this.#client.query({
        name: 'storage-delete-reports',
        text: `delete from storage.corruption_reports using unnest($2::bytea[], $3::int[]) as gone (storage_index, share_number)
                where server = $1 and corruption_reports.storage_index = gone.storage_index
                  and corruption_reports.share_number = gone.share_number`,
        values: this.#addresses(gone),
      });
      return gone;
    });
  }

  #addresses(shares: readonly ShareAddress[]): unknown[] {
    return [
      this.#server,
      shares.map(({ storageIndex }) => Buffer.from(storageIndex)),
      shares.map(({ shareNumber }) => shareNumber),
    ];
  }

  /** An older copy of the database may have been put in place at any moment, with leases as they were then. */
  async #transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.#client.query('begin');
    try {
      await this.#generation.requireCurrentIn(this.#client, { hold: true });
      const result = await work();
      await this.#client.query('commit');
      return result;
    } catch (error) {
      await this.#client.query('rollback').catch(() => undefined);
      throw error;
    }
  }
}

/**
 * SQL that is true where a share has a lease, and else null. Not by "exists", which may be planned as a hash of all
 * leases: with 100,000 of them a look at 2,000 shares took 61 ms, and so took 8.
 *
 * @param share name of what has the share's `storage_index` and `share_number`
 */
function aLease(share: string): string {
  return `(select true from storage.leases as l where l.server = $1
             and l.storage_index = ${share}.storage_index and l.share_number = ${share}.share_number limit 1)`;
}
