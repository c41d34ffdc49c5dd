import type { ShareAddress } from '@holdfast/lafs';
import type { LeaseRecords } from '../records/lease-records.js';
import type { ShareAdoption } from '../recovery/share-adoption.js';
import type { ShareBackend } from '../share-backend/share-backend.js';
import { StorageError } from '../storage-error.js';
import type { Admission } from '../usage/admission.js';

/** What keeping leases needs. */
export interface LeaseKeepingOptions {
  readonly backend: ShareBackend;
  readonly adoption: ShareAdoption;
  readonly leases: LeaseRecords;
  readonly admission: Admission;
}

/** Adds and renews leases, also on shares that the database does not know yet. */
export class LeaseKeeping {
  readonly #options: LeaseKeepingOptions;
  #adopting: Promise<unknown> = Promise.resolve();

  constructor(options: LeaseKeepingOptions) {
    this.#options = options;
  }

  /**
   * Renews the leases that an account has on shares of a storage index, and gives it one on the others as far as its
   * quota allows. Durable when this resolves.
   *
   * @returns false where there is no share
   * @throws StorageError `quota-exceeded` where it had none and gets none; `database-unavailable`
   */
  async renew(storageIndex: Uint8Array, account: number): Promise<boolean> {
    const { backend, leases } = this.#options;
    const renewed = await leases.renew(storageIndex, account);
    const files = without(await backend.shareFiles(storageIndex), renewed);
    if (files.size === 0) return renewed.size > 0;
    const unleased = await this.#whole(storageIndex, files);
    try {
      const begun = await this.#begin(storageIndex, unleased, account);
      return renewed.size + begun.size > 0;
    } catch (error) {
      // A renewal never fails for want of quota, though others have added shares meanwhile.
      if (renewed.size > 0 && error instanceof StorageError && error.code === 'quota-exceeded') return true;
      throw error;
    }
  }

  /**
   * Gives an account a lease on shares that are in the backend. Durable when this resolves.
   *
   * @returns the numbers of those that it has a lease on now; shares that are being removed are not among them
   * @throws StorageError `quota-exceeded`, `database-unavailable`
   */
  async begin(
    storageIndex: Uint8Array,
    present: ReadonlySet<number>,
    account: number,
  ): Promise<ReadonlySet<number>> {
    if (present.size === 0) return present;
    const renewed = await this.#options.leases.renew(storageIndex, account);
    const begun = await this.#begin(storageIndex, without(present, renewed), account);
    return new Set([...present].filter((shareNumber) => renewed.has(shareNumber) || begun.has(shareNumber)));
  }

  /** @returns on which leases were begun */
  async #begin(
    storageIndex: Uint8Array,
    present: ReadonlySet<number>,
    account: number,
  ): Promise<ReadonlySet<number>> {
    const { admission } = this.#options;
    const begun = await admission.begin(storageIndex, present, account);
    const unknown = without(present, begun);
    if (unknown.size === 0) return begun;
    await this.#adopt([...unknown].map((shareNumber) => ({ storageIndex, shareNumber })));
    return new Set([...begun, ...(await admission.begin(storageIndex, unknown, account))]);
  }

  /** One after the other: each holds a connection to Postgres for a while, and there are few. */
  #adopt(shares: readonly ShareAddress[]): Promise<unknown> {
    const adopting = this.#adopting.then(() => this.#options.adoption.adopt(shares));
    this.#adopting = adopting.catch(() => undefined);
    return adopting;
  }

  /** Those of some shares that are whole, of whichever kind. */
  async #whole(storageIndex: Uint8Array, shareNumbers: ReadonlySet<number>): Promise<ReadonlySet<number>> {
    const addresses = [...shareNumbers].map((shareNumber) => ({ storageIndex, shareNumber }));
    return new Set((await this.#options.backend.inspect(addresses)).map(({ shareNumber }) => shareNumber));
  }
}

function without(shares: ReadonlySet<number>, others: ReadonlySet<number>): ReadonlySet<number> {
  return new Set([...shares].filter((share) => !others.has(share)));
}
