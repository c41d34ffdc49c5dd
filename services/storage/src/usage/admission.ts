import { GroupCommit } from '@holdfast/common/database';
import type { ShareAddress } from '@holdfast/lafs';
import type { PoolClient } from 'pg';
import type { LeaseRecords, NewLease } from '../records/lease-records.js';
import { keyOf, type ShareRecords, type UploadedShare } from '../records/share-records.js';
import { StorageError } from '../storage-error.js';
import { type Allowance, type Quotas, quotaExceeded } from './quota.js';

/** What one request wants to take up, of one account. */
interface Wish {
  readonly account: number;
  readonly coming: readonly UploadedShare[];
  readonly leases: readonly NewLease[];
}

/** What was given of a wish, in its order: all that its shares allow, or nothing where the quota does not allow it. */
type Grant =
  | { readonly promised: readonly boolean[]; readonly leased: readonly boolean[] }
  | { readonly refused: StorageError };

/** Most requests of an account that are decided together. */
const mostTogether = 100;

/**
 * Lets accounts use more: promises room to uploads, and begins leases. Accounts without a quota go the short way of
 * the records, one statement for all of a moment. For the others a transaction decides; requests of one account that
 * meet are decided together where all of them fit, and accounts take turns.
 */
export class Admission {
  readonly #quotas: Quotas;
  readonly #shares: ShareRecords;
  readonly #leases: LeaseRecords;
  /** Of the accounts that had a quota when last seen: they need not try the short way first. */
  readonly #deciding = new Map<number, GroupCommit<Wish, Grant>>();

  constructor(quotas: Quotas, shares: ShareRecords, leases: LeaseRecords) {
    this.#quotas = quotas;
    this.#shares = shares;
    this.#leases = leases;
  }

  /** Whether an account has been seen to have a quota, so that what it takes up is decided beforehand. */
  decidesFor(account: number): boolean {
    return this.#deciding.has(account);
  }

  /**
   * Records that shares are coming, as `ShareRecords.promise`. Where the account has a quota it also gets its leases on
   * the shares that are there already: either both fit, or nothing is done.
   *
   * @param present shares with a stable record
   * @returns for each coming share whether it may come; or why the quota refuses all
   * @throws StorageError `server-busy`, `database-unavailable`
   */
  async promise(
    coming: readonly UploadedShare[],
    present: () => Promise<readonly ShareAddress[]>,
  ): Promise<{ promised: readonly boolean[] } | { refused: StorageError }> {
    const account = coming[0]?.account;
    if (account === undefined) return { promised: [] };
    if (!this.#deciding.has(account)) {
      const promised = await this.#shares.promise(coming);
      if (promised !== 'limited') return { promised };
    }
    const leases = (await present()).map((share) => ({ ...share, account }));
    return this.#decide({ account, coming, leases });
  }

  /**
   * Gives an account a lease on stable shares, or renews it. Durable when this resolves.
   *
   * @returns the numbers of the shares it has a lease on now; those without a stable record are not among them
   * @throws StorageError `quota-exceeded`, `server-busy`, `database-unavailable`
   */
  async begin(
    storageIndex: Uint8Array,
    shareNumbers: ReadonlySet<number>,
    account: number,
  ): Promise<ReadonlySet<number>> {
    const leases = [...shareNumbers].map((shareNumber) => ({ storageIndex, shareNumber, account }));
    if (leases.length === 0) return new Set();
    let leased: readonly boolean[] | 'limited' = 'limited';
    if (!this.#deciding.has(account)) leased = await this.#leases.begin(leases);
    if (leased === 'limited') {
      const grant = await this.#decide({ account, coming: [], leases });
      if ('refused' in grant) throw grant.refused;
      leased = grant.leased;
    }
    return new Set([...shareNumbers].filter((_, index) => leased[index]));
  }

  #decide(wish: Wish): Promise<Grant> {
    const { account } = wish;
    let deciding = this.#deciding.get(account);
    if (!deciding) {
      deciding = new GroupCommit((wishes) => this.#decideAll(account, wishes), mostTogether);
      this.#deciding.set(account, deciding);
    }
    return deciding.submit(wish);
  }

  /** Together where all that can fit at all do; else each by itself, since some may. */
  async #decideAll(account: number, wishes: readonly Wish[]): Promise<Grant[]> {
    const grants = new Map<Wish, Grant>();
    await this.#grant(account, wishes, grants);
    for (const wish of wishes) {
      if (grants.has(wish)) continue;
      const refused = await this.#grant(account, [wish], grants);
      if (refused) grants.set(wish, { refused });
    }
    return wishes.map((wish) => grants.get(wish) as Grant);
  }

  /**
   * Gives all that some wishes ask for, or nothing. What cannot fit even alone is refused before anything is written,
   * and does not keep the others from it.
   *
   * @returns why the others do not fit together
   */
  async #grant(
    account: number,
    wishes: readonly Wish[],
    grants: Map<Wish, Grant>,
  ): Promise<StorageError | undefined> {
    try {
      const given = await this.#quotas.within(account, async (client, allowance) => {
        if (allowance) await this.#refuse(client, wishes, allowance, grants);
        return this.#give(
          client,
          wishes.filter((wish) => !grants.has(wish)),
        );
      });
      for (const [wish, grant] of given) grants.set(wish, grant);
      return undefined;
    } catch (error) {
      if (error instanceof StorageError && error.code === 'quota-exceeded') return error;
      throw error;
    }
  }

  /** Refuses those that would bring more new bytes than there is room for, whatever else they ask for. */
  async #refuse(
    client: PoolClient,
    wishes: readonly Wish[],
    allowance: Allowance,
    grants: Map<Wish, Grant>,
  ): Promise<void> {
    const coming = wishes.flatMap((wish) => wish.coming);
    const unrecorded = new Set((await this.#shares.unrecordedWithin(client, coming)).map(keyOf));
    for (const wish of wishes) {
      const more = wish.coming.reduce(
        (sum, share) => sum + (unrecorded.has(keyOf(share)) ? share.size : 0),
        0,
      );
      if (more > 0 && allowance.used + more > allowance.quota)
        grants.set(wish, { refused: quotaExceeded(more, allowance) });
    }
  }

  async #give(client: PoolClient, wishes: readonly Wish[]): Promise<Map<Wish, Grant>> {
    const coming = wishes.flatMap((wish) => wish.coming);
    const leases = wishes.flatMap((wish) => wish.leases);
    // A promise changes totals, and a lease then locks its share: whoever holds that may be waiting for the totals.
    if (coming.length > 0 && leases.length > 0) await this.#shares.lockWithin(client, [...coming, ...leases]);
    const promised = await this.#shares.promiseWithin(client, coming);
    const leased = await this.#leases.beginWithin(client, leases);
    const comes = new Map(coming.map((share, index) => [share, promised[index] === true]));
    const held = new Map(leases.map((lease, index) => [lease, leased[index] === true]));
    return new Map(
      wishes.map((wish) => [
        wish,
        {
          promised: wish.coming.map((share) => comes.get(share) === true),
          leased: wish.leases.map((lease) => held.get(lease) === true),
        },
      ]),
    );
  }
}
