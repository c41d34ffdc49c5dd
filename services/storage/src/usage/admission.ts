import type { Database } from '@holdfast/common/database';
import type { ShareAddress } from '@holdfast/lafs';
import { GroupCommit } from '../group-commit.js';
import type { LeaseRecords, NewLease } from '../records/lease-records.js';
import type { ShareRecords, UploadedShare } from '../records/share-records.js';
import { StorageError } from '../storage-error.js';
import { withinQuota } from './quota.js';

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

/**
 * Lets accounts use more: promises room to uploads, and begins leases. Accounts without a quota go the short way of
 * the records, one statement for all of a moment. For the others a transaction decides, one of this server at a time;
 * requests of one account that meet are decided together where all of them fit.
 */
export class Admission {
  readonly #database: Database;
  readonly #shares: ShareRecords;
  readonly #leases: LeaseRecords;
  /** Accounts that had a quota when last seen: they need not try the short way first. */
  readonly #limited = new Set<number>();
  readonly #deciding: GroupCommit<Wish, Grant>;

  constructor(database: Database, shares: ShareRecords, leases: LeaseRecords) {
    this.#database = database;
    this.#shares = shares;
    this.#leases = leases;
    this.#deciding = new GroupCommit((wishes) => this.#decide(wishes), 100);
  }

  /**
   * Records that shares are coming, as `ShareRecords.promise`. Where the account has a quota it also gets its leases on
   * the shares that are there already: either both fit, or nothing is done.
   *
   * @param present shares with a stable record
   * @returns for each coming share whether it may come; or why the quota refuses all
   * @throws StorageError `database-unavailable`
   */
  async promise(
    coming: readonly UploadedShare[],
    present: () => Promise<readonly ShareAddress[]>,
  ): Promise<{ promised: readonly boolean[] } | { refused: StorageError }> {
    const account = coming[0]?.account;
    if (account === undefined) return { promised: [] };
    if (!this.#limited.has(account)) {
      const promised = await this.#shares.promise(coming);
      if (promised !== 'limited') return { promised };
      this.#limited.add(account);
    }
    const leases = (await present()).map((share) => ({ ...share, account }));
    return this.#deciding.submit({ account, coming, leases });
  }

  /**
   * Gives an account a lease on stable shares, or renews it. Durable when this resolves.
   *
   * @returns the numbers of the shares it has a lease on now; those without a stable record are not among them
   * @throws StorageError `quota-exceeded`, `database-unavailable`
   */
  async begin(
    storageIndex: Uint8Array,
    shareNumbers: ReadonlySet<number>,
    account: number,
  ): Promise<ReadonlySet<number>> {
    const leases = [...shareNumbers].map((shareNumber) => ({ storageIndex, shareNumber, account }));
    if (leases.length === 0) return new Set();
    let leased: readonly boolean[] | 'limited' = 'limited';
    if (!this.#limited.has(account)) leased = await this.#leases.begin(leases);
    if (leased === 'limited') {
      this.#limited.add(account);
      const grant = await this.#deciding.submit({ account, coming: [], leases });
      if ('refused' in grant) throw grant.refused;
      leased = grant.leased;
    }
    return new Set([...shareNumbers].filter((_, index) => leased[index]));
  }

  async #decide(wishes: readonly Wish[]): Promise<Grant[]> {
    const grants = new Map<Wish, Grant>();
    for (const account of new Set(wishes.map((wish) => wish.account))) {
      const wanted = wishes.filter((wish) => wish.account === account);
      const together = await this.#grant(account, wanted);
      for (const [index, wish] of wanted.entries()) {
        const grant = 'refused' in together ? undefined : together.granted[index];
        // Refused together, some may fit by themselves.
        grants.set(wish, grant ?? (await this.#grantOne(account, wish)));
      }
    }
    return wishes.map((wish) => grants.get(wish) as Grant);
  }

  async #grantOne(account: number, wish: Wish): Promise<Grant> {
    const answer = await this.#grant(account, [wish]);
    return 'refused' in answer ? answer : (answer.granted[0] as Grant);
  }

  async #grant(
    account: number,
    wishes: readonly Wish[],
  ): Promise<{ granted: readonly Grant[] } | { refused: StorageError }> {
    const coming = wishes.flatMap((wish) => wish.coming);
    const leases = wishes.flatMap((wish) => wish.leases);
    try {
      const [promised, leased] = await withinQuota(this.#database, account, async (client) => [
        await this.#shares.promiseWithin(client, coming),
        await this.#leases.beginWithin(client, leases),
      ]);
      const comes = new Map(coming.map((share, index) => [share, promised[index] === true]));
      const held = new Map(leases.map((lease, index) => [lease, leased[index] === true]));
      const granted = wishes.map((wish) => ({
        promised: wish.coming.map((share) => comes.get(share) === true),
        leased: wish.leases.map((lease) => held.get(lease) === true),
      }));
      return { granted };
    } catch (error) {
      if (error instanceof StorageError && error.code === 'quota-exceeded') return { refused: error };
      throw error;
    }
  }
}
