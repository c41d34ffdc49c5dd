import type { Database } from '@holdfast/common/database';
import type { ShareAddress } from '@holdfast/lafs';
import type pg from 'pg';
import { lockAgainstDeletion } from '../collection/deletion-lock.js';
import { ChangedMeanwhile } from '../records/changed-meanwhile.js';
import { whileDatabaseReturns } from '../records/database-errors.js';
import { leaseEnd } from '../records/lease-end.js';
import { lockShares } from '../records/lock-shares.js';
import type { InspectedShare, ShareBackend, UnreadableFolder } from '../share-backend/share-backend.js';
import { changeTotals } from '../usage/totals.js';
import { keepUnseen } from './keep-unseen.js';
import { recordFoundShares } from './record-found-shares.js';

/** What recording found shares needs. */
export interface ShareAdoptionOptions {
  readonly backend: Pick<ShareBackend, 'inspect'>;
  readonly database: Database;
  /** This server's key. */
  readonly server: number;
  /** Milliseconds. */
  readonly leaseDuration: number;
  /**
   * The key of the account that an owner in a share's leases means; undefined where it means none of ours, as in a
   * folder that another server filled.
   */
  readonly accountOf: (owner: number) => number | undefined;
}

/** Records shares that are in the backend without a record. */
export class ShareAdoption {
  readonly #options: ShareAdoptionOptions;

  constructor(options: ShareAdoptionOptions) {
    this.#options = options;
  }

  /**
   * Records those of some shares that are whole in the backend, each with leases of a full duration: of the uploader
   * where the share was coming, else of the accounts that own its leases, else of `starter`. Changes nothing where a
   * share is recorded as stable or going. Durable when this resolves.
   *
   * @returns which were found in the backend, and how many were recorded
   * @throws StorageError `database-unavailable`
   */
  adopt(shares: readonly ShareAddress[]): Promise<AdoptedShares> {
    return this.#whileNothingIsDeleted(shares, (found, client) => this.#record(found, client));
  }

  /**
   * As `adopt`, for records of an older time: what they know of renewals, of the sizes of mutable shares and of shares
   * on their way out is out of date. So every lease begins its full duration anew, and sizes are those of the files.
   */
  adoptAnew(shares: readonly ShareAddress[]): Promise<AdoptedShares> {
    return this.#whileNothingIsDeleted(shares, async (found, client) => {
      const { server } = this.#options;
      const mutable = found.filter(({ kind }) => kind === 'mutable');
      // With mutable ones two statements change totals, and other batches do so at the same time: each would lock those of
      // its accounts in order, but both together not. Shares and leases come before them, as everywhere. Where an account has
      // no totals here yet, Postgres may still have one of two batches begin anew.
      if (mutable.length > 0) await lockShares(client, server, found);
      await this.#forgetGoing(found, client);
      await this.#extendLeases(found, client);
      if (mutable.length === 0) return this.#record(found, client);
      await client.query('select from storage.usage_totals where server = $1 order by account for update', [
        server,
      ]);
      const recorded = await this.#record(found, client);
      await this.#resize(mutable, client);
      return recorded;
    });
  }

  /**
   * The same for what nobody can look at: the shares that are recorded in folders that cannot be read. Nothing in them
   * goes by records of an older time. Durable when this resolves.
   *
   * @throws StorageError `database-unavailable`
   */
  async keepUnseen(folders: readonly UnreadableFolder[]): Promise<void> {
    const { database, server, leaseDuration } = this.#options;
    if (folders.length === 0) return;
    await whileDatabaseReturns(() =>
      database.transaction(async (client) => {
        await lockAgainstDeletion(client, server);
        await keepUnseen(client, { server, leaseSeconds: leaseDuration / 1000 }, folders);
      }),
    );
  }

  async #whileNothingIsDeleted(
    shares: readonly ShareAddress[],
    work: (found: readonly InspectedShare[], client: pg.PoolClient) => Promise<number>,
  ): Promise<AdoptedShares> {
    const { backend, database, server } = this.#options;
    if (shares.length === 0) return { found: [], recorded: 0 };
    return whileDatabaseReturns(() =>
      database.transaction(async (client) => {
        await lockAgainstDeletion(client, server);
        const found = await backend.inspect(shares);
        return { found, recorded: found.length > 0 ? await work(found, client) : 0 };
      }),
    );
  }

  async #record(found: readonly InspectedShare[], client: pg.PoolClient): Promise<number> {
    const { server, leaseDuration, accountOf } = this.#options;
    const recorded = await recordFoundShares(
      client,
      { server, leaseSeconds: leaseDuration / 1000 },
      found.map(({ owners, ...share }) => ({
        ...share,
        holders: owners.flatMap((owner) => accountOf(owner) ?? []),
      })),
    );
    if (recorded > 0) await this.#lookAgain(found);
    return recorded;
  }

  /**
   * A client may remove a mutable share at any moment: first its file, then its record. If it came to the record before
   * this one was made, the file is gone by now; else it waits for this one, and removes it.
   */
  async #lookAgain(found: readonly InspectedShare[]): Promise<void> {
    const mutable = found.filter(({ kind }) => kind === 'mutable');
    if (mutable.length === 0) return;
    const still = await this.#options.backend.inspect(mutable);
    if (still.length < mutable.length) throw new ChangedMeanwhile('a mutable share');
  }

  /** A share that is going has no lease and no part in any total: its row can simply go, and be made again. */
  async #forgetGoing(found: readonly InspectedShare[], client: pg.PoolClient): Promise<void> {
    await client.query({
      name: 'storage-forget-going',
      text: `delete from storage.shares
              using unnest($2::bytea[], $3::int[]) as found (storage_index, share_number)
              where server = $1 and shares.storage_index = found.storage_index
                and shares.share_number = found.share_number and state = 'going'`,
      values: this.#addresses(found),
    });
  }

  async #resize(mutable: readonly InspectedShare[], client: pg.PoolClient): Promise<void> {
    await client.query({
      name: 'storage-resize',
      text: `with before as materialized (
               select storage_index, share_number, shares.size, found.size as found
                 from unnest($2::bytea[], $3::int[], $4::bigint[]) as found (storage_index, share_number, size)
                 join storage.shares using (storage_index, share_number)
                where server = $1 and state = 'stable' and kind = 'mutable' and shares.size <> found.size
                order by storage_index, share_number for update of shares),
             resized as (
               update storage.shares set size = before.found from before
                where server = $1 and shares.storage_index = before.storage_index
                  and shares.share_number = before.share_number),
             changed (account, bytes, shares, promised) as (
               select account, before.found - before.size, 0, 0
                 from before join storage.leases using (storage_index, share_number)
                where leases.server = $1),
             ${changeTotals}
             select`,
      values: [...this.#addresses(mutable), mutable.map(({ size }) => size)],
    });
  }

  async #extendLeases(found: readonly InspectedShare[], client: pg.PoolClient): Promise<void> {
    await client.query({
      name: 'storage-extend-leases',
      text: `update storage.leases
                set expires_at = greatest(expires_at, ${leaseEnd('account', '$4')})
               from unnest($2::bytea[], $3::int[]) as found (storage_index, share_number)
              where server = $1 and leases.storage_index = found.storage_index
                and leases.share_number = found.share_number`,
      values: [...this.#addresses(found), this.#options.leaseDuration / 1000],
    });
  }

  #addresses(shares: readonly ShareAddress[]): unknown[] {
    return [
      this.#options.server,
      shares.map(({ storageIndex }) => Buffer.from(storageIndex)),
      shares.map(({ shareNumber }) => shareNumber),
    ];
  }
}

/** What became of shares that were to be recorded. */
export interface AdoptedShares {
  /** Those that are whole in the backend. */
  readonly found: readonly InspectedShare[];
  /** How many got a record. */
  readonly recorded: number;
}
