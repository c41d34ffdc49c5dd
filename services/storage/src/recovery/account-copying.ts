import type { KeyObject } from 'node:crypto';
import type { Database } from '@holdfast/common/database';
import type { ShareBackend } from '../share-backend/share-backend.js';
import { AccountCopySeal, type CopiedAccounts } from './account-copy.js';
import { accountsFingerprint, gatherAccounts } from './account-copy-records.js';

/** Name of the copy beside the shares. */
const copyName = 'holdfast-accounts';

/** Keeps an encrypted copy of the accounts beside the shares. */
export class AccountCopying {
  readonly #backend: ShareBackend;
  readonly #database: Database;
  readonly #server: number;
  readonly #seal: AccountCopySeal;
  #written: string | undefined;
  #refreshing: Promise<void> = Promise.resolve();

  /** @param server this server's key */
  constructor(backend: ShareBackend, database: Database, server: number, signingKey: KeyObject) {
    this.#backend = backend;
    this.#database = database;
    this.#server = server;
    this.#seal = new AccountCopySeal(signingKey);
  }

  /** Writes the copy anew if anything in it has changed since it was last written here. */
  refresh(): Promise<void> {
    const refreshing = this.#refreshing.then(() => this.#refresh());
    this.#refreshing = refreshing.catch(() => undefined);
    return refreshing;
  }

  async #refresh(): Promise<void> {
    const fingerprint = await accountsFingerprint(this.#database, this.#server);
    if (fingerprint === this.#written) return;
    const contents = await gatherAccounts(this.#database, this.#server);
    await this.#backend.writeNote(copyName, this.#seal.seal(contents));
    this.#written = fingerprint;
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
