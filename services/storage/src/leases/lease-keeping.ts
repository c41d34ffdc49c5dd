import type { LeaseRecords } from '../records/lease-records.js';
import type { ShareRecords } from '../records/share-records.js';
import { findShares } from '../recovery/find-shares.js';
import type { ShareBackend } from '../share-backend/share-backend.js';

/** Adds and renews leases, also on shares that the database does not know yet. */
export class LeaseKeeping {
  readonly #backend: ShareBackend;
  readonly #shares: ShareRecords;
  readonly #leases: LeaseRecords;

  constructor(backend: ShareBackend, shares: ShareRecords, leases: LeaseRecords) {
    this.#backend = backend;
    this.#shares = shares;
    this.#leases = leases;
  }

  /**
   * Gives an account a lease on all shares of a storage index. Durable when this resolves.
   *
   * @param present the shares in the backend, where the caller knows
   * @returns false where there is no share
   * @throws StorageError `database-unavailable`
   */
  async renew(storageIndex: Uint8Array, account: number, present?: ReadonlySet<number>): Promise<boolean> {
    const renewed = await this.#leases.renew(storageIndex, account);
    if (renewed >= (present?.size ?? 1)) return true;
    const there = present ?? (await this.#backend.list(storageIndex));
    if (there.size === 0) return renewed > 0;
    const addresses = [...there].map((shareNumber) => ({ storageIndex, shareNumber }));
    await this.#shares.adopt(await findShares(this.#backend, addresses));
    return (await this.#leases.renew(storageIndex, account)) > 0;
  }
}
