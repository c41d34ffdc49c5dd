import type { ShareAddress } from '@holdfast/lafs';
import type pg from 'pg';
import { leaseToStarter } from '../leases/lease-to-starter.js';
import { type AddressRow, toAddress } from '../records/address-row.js';
import { damagedContainer } from './damaged-container.js';

/** The daily look through all shares of one server for such as have no lease that could run out. */
export class SweepRecords {
  readonly #client: pg.PoolClient;
  readonly #server: number;

  /** @param server this server's key */
  constructor(client: pg.PoolClient, server: number) {
    this.#client = client;
    this.#server = server;
  }

  /** Whether it is a day since all shares were looked through for such as have no lease that could end. */
  async isDue(): Promise<boolean> {
    const { rows } = await this.#client.query<{ due: boolean }>(
      `select coalesce(unleased_looked_at < now() - interval '1 day', true) as due
         from storage.servers where key = $1`,
      [this.#server],
    );
    return rows[0]?.due ?? false;
  }

  /** Notes that all shares were looked through. */
  async done(): Promise<void> {
    await this.#client.query('update storage.servers set unleased_looked_at = now() where key = $1', [
      this.#server,
    ]);
  }

  /**
   * Gives stable shares without any lease one of `starter`, but for those whose container is damaged: of the `limit`
   * shares after one, in order.
   *
   * @param leaseDuration milliseconds
   * @returns the last share that was looked at, undefined where there was none, and how many leases were begun
   */
  async leaseNext(
    last: ShareAddress | undefined,
    limit: number,
    leaseDuration: number,
  ): Promise<{ last: ShareAddress | undefined; leased: number }> {
    const rows = await this.#page(last, limit);
    const unleased = rows.filter((row) => row.unleased).map(toAddress);
    const end = rows.find((row) => !row.unleased);
    return {
      last: end && toAddress(end),
      leased:
        unleased.length === 0
          ? 0
          : await this.#transaction('begin', () =>
              leaseToStarter(this.#client, this.#server, unleased, leaseDuration),
            ),
    };
  }

  /**
   * Reads a page of shares and the leases on it side by side, from their indexes alone: to find the lease of each share,
   * and its state, took three times as long. Without the settings a part of all leases might be thought too large for
   * that, and all be read for each page.
   */
  async #page(
    last: ShareAddress | undefined,
    limit: number,
  ): Promise<(AddressRow & { unleased: boolean })[]> {
    const begin = 'begin; set local enable_seqscan = off; set local enable_bitmapscan = off';
    return this.#transaction(begin, async () => {
      const { rows } = await this.#client.query<AddressRow & { unleased: boolean }>({
        name: 'storage-unleased',
        text: `with page as materialized (
                 select storage_index, share_number from storage.shares
                  where server = $1 and (storage_index, share_number) > ($2, $3)
                  order by storage_index, share_number limit $4),
               page_end as materialized (
                 select storage_index, share_number from page
                  order by storage_index desc, share_number desc limit 1),
               unleased as materialized (
                 select storage_index, share_number from page
                 except
                 select storage_index, share_number from storage.leases
                  where server = $1 and (storage_index, share_number) > ($2, $3)
                    and (storage_index, share_number) <= (select storage_index, share_number from page_end))
               select storage_index, share_number, true as unleased from unleased
                where ${damagedContainer('unleased')} is null
                  and (select state = 'stable' from storage.shares as s
                        where s.server = $1 and s.storage_index = unleased.storage_index
                          and s.share_number = unleased.share_number)
                union all
               select storage_index, share_number, false from page_end`,
        values: [this.#server, last?.storageIndex ?? Buffer.alloc(0), last?.shareNumber ?? -1, limit],
      });
      return rows;
    });
  }

  /** @param begin SQL that begins it */
  async #transaction<T>(begin: string, work: () => Promise<T>): Promise<T> {
    await this.#client.query(begin);
    try {
      const result = await work();
      await this.#client.query('commit');
      return result;
    } catch (error) {
      await this.#client.query('rollback').catch(() => undefined);
      throw error;
    }
  }
}
