import { timingSafeEqual } from 'node:crypto';
import type { Database } from '@holdfast/common/database';
import { type Account, type AccountState, credentialHash } from '../records/accounts.js';

interface Entry {
  readonly hash: Buffer;
  readonly account: Account;
}

/** The accounts that may use a server, by their credentials: all of them in memory, as they were at the last `reload`. */
export class Credentials {
  readonly #database: Database;
  readonly #server: number;
  #entries: ReadonlyMap<string, Entry> = new Map();

  /** @param server this server's key */
  constructor(database: Database, server: number) {
    this.#database = database;
    this.#server = server;
  }

  /** Takes over what the database says now. Where that fails, what it said before stays. */
  async reload(): Promise<void> {
    const { rows } = await this.#database.pool.query<{
      credential_hash: Buffer;
      key: number;
      name: string;
      state: AccountState;
      lease_seconds: number | null;
      repairer: boolean;
    }>(
      `select credential_hash, key, name, state, repairer,
              coalesce(lease_seconds, (select lease_seconds from storage.lease_default)) as lease_seconds
         from storage.credentials join storage.accounts on key = account
        where server = $1 and state <> 'revoked'`,
      [this.#server],
    );
    this.#entries = new Map(
      rows.map(({ credential_hash: hash, key, name, state, lease_seconds, repairer }) => {
        const leaseDuration = lease_seconds === null ? undefined : lease_seconds * 1000;
        return [hash.toString('base64'), { hash, account: { key, name, state, leaseDuration, repairer } }];
      }),
    );
  }

  /**
   * The account with this credential. How long it takes tells nothing of any credential: what is looked up and
   * compared is a hash of what the client sent, which it cannot steer.
   */
  find(credential: Uint8Array | undefined): Account | undefined {
    if (!credential) return undefined;
    const hash = credentialHash(credential);
    const entry = this.#entries.get(hash.toString('base64'));
    return entry && timingSafeEqual(entry.hash, hash) ? entry.account : undefined;
  }
}
