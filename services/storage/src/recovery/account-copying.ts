import type { KeyObject } from 'node:crypto';
import type { Database } from '@holdfast/common/database';
import type { Logger } from '@holdfast/common/logging';
import type { ShareBackend } from '../share-backend/share-backend.js';
import { AccountCopyError, AccountCopySeal, type CopiedAccounts } from './account-copy.js';
import { accountsFingerprint, gatherAccounts } from './account-copy-records.js';
import type { Generation } from './generation.js';
import { type Loss, whatIsLost } from './lost-changes.js';

/** Name of the copy beside the shares. */
const copyName = 'holdfast-accounts';

/** Name of the copy before, where the one that took its place lacks accounts, or changes of them, that it had. */
const formerCopyName = 'holdfast-accounts.1';

const losses: Readonly<Record<Loss, string>> = {
  accounts: 'accounts of the last copy are not in the database any more',
  changes: 'accounts of the last copy are in the database as they were before',
};

/** What copying the accounts needs. */
export interface AccountCopyingOptions {
  readonly backend: ShareBackend;
  readonly database: Database;
  /** This server's key. */
  readonly server: number;
  readonly generation: Generation;
  readonly signingKey: KeyObject;
  readonly logger: Logger;
}

/** Keeps an encrypted copy of the accounts beside the shares. */
export class AccountCopying {
  readonly #options: AccountCopyingOptions;
  readonly #seal: AccountCopySeal;
  #written: string | undefined;
  #refreshing: Promise<void> = Promise.resolve();

  constructor(options: AccountCopyingOptions) {
    this.#options = options;
    this.#seal = new AccountCopySeal(options.signingKey);
  }

  /**
   * Writes the copy anew if anything in it has changed since it was last written here.
   *
   * @throws RecordsNotCurrentError where the records are not: what is there may be all that is left of the accounts
   */
  refresh(): Promise<void> {
    const refreshing = this.#refreshing.then(() => this.#refresh());
    this.#refreshing = refreshing.catch(() => undefined);
    return refreshing;
  }

  async #refresh(): Promise<void> {
    const { backend, database, server, generation } = this.#options;
    const fingerprint = await accountsFingerprint(database, server);
    if (fingerprint === this.#written) return;
    const contents = await gatherAccounts(database, server, generation);
    await this.#keepFormer(contents);
    await backend.writeNote(copyName, this.#seal.seal(contents));
    this.#written = fingerprint;
  }

  /** Where the copy would lose what it is there for, somebody has to look into it. */
  async #keepFormer(contents: CopiedAccounts): Promise<void> {
    const { backend, logger } = this.#options;
    const former = await backend.readNote(copyName);
    if (!former) return;
    let loss: Loss | undefined = 'accounts';
    try {
      loss = whatIsLost(this.#seal.open(former), contents);
    } catch (error) {
      if (!(error instanceof AccountCopyError)) throw error;
    }
    if (loss === undefined) return;
    logger.error({ kept: formerCopyName }, losses[loss]);
    await backend.writeNote(formerCopyName, former);
  }
}

/**
 * The copy of the accounts that is beside the shares; undefined where there is none.
 *
 * @throws AccountCopyError
 */
export async function readAccountCopy(
  backend: ShareBackend,
  signingKey: KeyObject,
): Promise<CopiedAccounts | undefined> {
  const sealed = await backend.readNote(copyName);
  return sealed && new AccountCopySeal(signingKey).open(sealed);
}
