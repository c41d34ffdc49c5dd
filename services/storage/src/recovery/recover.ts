import type { Database } from '@holdfast/common/database';
import type { Identity } from '@holdfast/common/identity';
import type { ShareAddress } from '@holdfast/lafs';
import { alone, ServerBusyError } from '../collection/server-lock.js';
import { whileDatabaseReturns } from '../records/database-errors.js';
import { ShareRecords } from '../records/share-records.js';
import type { ShareBackend, UnreadableFolder, WalkedShares } from '../share-backend/share-backend.js';
import { restoreAccounts } from './account-copy-records.js';
import { readAccountCopy } from './account-copying.js';
import { Generation } from './generation.js';
import { ShareAdoption } from './share-adoption.js';

/** Shares that are recorded in one transaction. */
const batchSize = 2_000;

/** Batches that are recorded at the same time: the disk and Postgres work side by side. */
const batchesAtOnce = 3;

/** Most folders that are told by name: a lost disk has a million. */
const mostNamed = 10;

/** What recovering needs. */
export interface RecoverOptions {
  readonly backend: ShareBackend;
  readonly database: Database;
  /** This server's key. */
  readonly server: number;
  readonly identity: Identity;
  /** Milliseconds. */
  readonly leaseDuration: number;
  /** Called now and then; `done` rises from 0 to 1. */
  readonly onProgress?: (progress: { readonly done: number; readonly shares: number }) => void;
  readonly signal?: AbortSignal;
}

/** What recovering found and did. */
export interface Recovery {
  /** Shares in the backend. */
  readonly shares: number;
  /** Of these, how many had no record and have one now. */
  readonly recorded: number;
  /** Of these, how many are not whole. They were left alone. */
  readonly unreadable: number;
  /** Folders that could not be looked into. Nothing is known of the shares in them, and what is recorded of such stays. */
  readonly unreadableFolders: number;
  /** Some of them, each with why it could not be. */
  readonly someUnreadableFolders: readonly string[];
  /** Accounts that the database did not have. */
  readonly accounts: number;
  /** Names of accounts whose last change the database did not have: they are as they were in their copy. */
  readonly changed: readonly string[];
  /** Names of accounts that have another key now than their shares say, because another account has theirs. */
  readonly rekeyed: readonly string[];
  /** False where it was ended early: then the server stays read-only, and it can be done again. */
  readonly complete: boolean;
}

/**
 * Makes the records of shares and leases again from the shares in the backend, and before them the accounts from their
 * copy beside the shares, with the changes of accounts that only the copy knows. Deletes nothing, and leaves all else that
 * is recorded as it is; done twice it changes nothing. Damaged files and folders that cannot be read keep nothing else from
 * being recovered. The server may run meanwhile.
 *
 * @throws ServerBusyError, AccountCopyError, MarkError, StorageError `database-unavailable`
 */
export async function recover(options: RecoverOptions): Promise<Recovery> {
  const { backend, database, server, identity, leaseDuration, signal } = options;
  return alone(database, server, async () => {
    const generation = new Generation({ backend, database, server, serverId: identity.serverId });
    const [mark, standing] = [await generation.mark(), await generation.standing()];
    const copy = await readAccountCopy(backend, identity.signingKey);
    const accounts =
      copy && (await restoreAccounts(database, server, copy, { behind: standing === 'behind' }));

    // Without a mark of ours, or while they are being adopted, these are shares that others filled the folder with.
    const believed = mark !== undefined && !mark.adopting;
    const accountOf = (owner: number) => (accounts ? accounts.keys.get(owner) : owner);
    const records = new ShareRecords(database, server, leaseDuration);
    const adoption = new ShareAdoption({
      backend,
      database,
      server,
      leaseDuration,
      accountOf: believed ? accountOf : () => undefined,
    });
    let [shares, recorded, unreadable, unreadableFolders] = [0, 0, 0, 0];
    const someUnreadableFolders: string[] = [];
    const record = async (batch: Batch) => {
      // The lock is lost with Postgres; then somebody else may have ended first, and the server is at work again.
      if (standing === 'behind' && (await generation.standing()) !== 'behind') throw new ServerBusyError();
      const unknown = standing === 'behind' ? batch.shares : await records.unrecorded(batch.shares);
      const adopted = await (standing === 'behind' ? adoption.adoptAnew(unknown) : adoption.adopt(unknown));
      const before = shares;
      shares += batch.shares.length;
      recorded += adopted.recorded;
      unreadable += unknown.length - adopted.found.length;
      unreadableFolders += batch.unreadable.length;
      for (const { folder, problem } of batch.unreadable)
        if (someUnreadableFolders.length < mostNamed) someUnreadableFolders.push(`${folder}: ${problem}`);
      if (standing === 'behind') await adoption.keepUnseen(batch.unreadable);
      options.onProgress?.({ done: batch.section / 1024, shares });
      // A table that was empty a moment ago is planned for as if it still were, and joins take longer and longer.
      if (
        recorded > 0 &&
        Math.floor(Math.log2(shares / batchSize)) > Math.floor(Math.log2(before / batchSize))
      ) {
        await whileDatabaseReturns(() => database.pool.query('analyze storage.shares, storage.leases'));
      }
    };
    await eachBatch(backend.walk(), signal, record);
    const complete = !signal?.aborted;
    if (complete) await generation.accept();
    return {
      shares,
      recorded,
      unreadable,
      unreadableFolders,
      someUnreadableFolders,
      accounts: accounts?.restored ?? 0,
      changed: accounts?.changed ?? [],
      rekeyed: accounts?.rekeyed ?? [],
      complete,
    };
  });
}

/** Shares of one or more sections, of which `section` is the last. */
interface Batch {
  readonly section: number;
  readonly shares: readonly ShareAddress[];
  readonly unreadable: readonly UnreadableFolder[];
}

/** Does something with all shares of a walk, some batches at a time. */
async function eachBatch(
  pages: AsyncIterable<WalkedShares>,
  signal: AbortSignal | undefined,
  work: (batch: Batch) => Promise<void>,
): Promise<void> {
  const working = new Set<Promise<void>>();
  const begin = async (batch: Batch) => {
    const worked = work(batch).finally(() => working.delete(worked));
    working.add(worked);
    if (working.size >= batchesAtOnce) await Promise.race(working);
  };
  let [shares, unreadable]: [ShareAddress[], UnreadableFolder[]] = [[], []];
  let section = 0;
  try {
    for await (const page of pages) {
      if (signal?.aborted) break;
      shares.push(...page.shares);
      unreadable.push(...page.unreadable);
      section = page.section;
      if (shares.length + unreadable.length < batchSize) continue;
      await begin({ section, shares, unreadable });
      [shares, unreadable] = [[], []];
    }
    if (shares.length + unreadable.length > 0 && !signal?.aborted)
      await begin({ section, shares, unreadable });
    await Promise.all(working);
  } finally {
    await Promise.allSettled(working);
  }
}
