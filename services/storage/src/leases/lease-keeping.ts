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
    const unleased = without(present ?? (await this.#backend.shareFiles(storageIndex)), renewed);
    if (unleased.size === 0) return renewed.size > 0;
    const there = present ? unleased : await this.#whole(storageIndex, unleased);
    const begun = await this.#leases.begin(storageIndex, there, account);
    const unknown = without(there, begun);
    if (unknown.size === 0) return renewed.size + begun.size > 0;
    const addresses = [...unknown].map((shareNumber) => ({ storageIndex, shareNumber }));
    await this.#shares.adopt(await findShares(this.#backend, addresses));
    const adopted = await this.#leases.begin(storageIndex, unknown, account);
    return renewed.size + begun.size + adopted.size > 0;
  }

  /** Those of some shares that are whole, of whichever kind. */
  async #whole(storageIndex: Uint8Array, shareNumbers: ReadonlySet<number>): Promise<ReadonlySet<number>> {
    const addresses = [...shareNumbers].map((shareNumber) => ({ storageIndex, shareNumber }));
    return new Set((await this.#backend.inspect(addresses)).map(({ shareNumber }) => shareNumber));
  }
}

function without(shares: ReadonlySet<number>, others: ReadonlySet<number>): ReadonlySet<number> {
  return new Set([...shares].filter((share) => !others.has(share)));
}
