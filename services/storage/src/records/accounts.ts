import { createHash, timingSafeEqual } from 'node:crypto';
import type { Database } from '@holdfast/common/database';

/** Whoever can hold a lease: its row in `storage.accounts`. */
export interface Account {
  readonly key: number;
  readonly name: string;
}

/** What is kept of a credential: it has far too many bits to be guessed from its hash. */
export function credentialHash(credential: Uint8Array): Buffer {
  return createHash('sha256').update('holdfast storage credential:').update(credential).digest();
}

/** The short key of a server in the rows of this database, new or known. */
export async function registerServer(database: Database, serverId: string): Promise<number> {
  const { rows } = await database.pool.query<{ key: number }>(
    `with known as (select key from storage.servers where server_id = $1),
          added as (insert into storage.servers (server_id)
                    select $1 where not exists (select from known) returning key)
     select key from known union all select key from added`,
    [serverId],
  );
  return (rows[0] as { key: number }).key;
}

/** Makes `credential` the one by which this server knows the anonymous account; undefined shuts it out. */
export async function setAnonymousCredential(
  database: Database,
  server: number,
  credential: Uint8Array | undefined,
): Promise<void> {
  await database.transaction(async (client) => {
    await client.query(
      `delete from storage.credentials where server = $1
         and account = (select key from storage.accounts where name = 'anonymous')`,
      [server],
    );
    if (!credential) return;
    await client.query(
      `insert into storage.credentials (server, credential_hash, account)
       select $1, $2, key from storage.accounts where name = 'anonymous'`,
      [server, credentialHash(credential)],
    );
  });
}

/** The accounts that may use a server, by their credentials. */
export class Credentials {
  readonly #accounts: ReadonlyMap<string, { readonly hash: Buffer; readonly account: Account }>;

  constructor(entries: readonly { readonly hash: Buffer; readonly account: Account }[]) {
    this.#accounts = new Map(entries.map((entry) => [entry.hash.toString('base64'), entry]));
  }

  static async load(database: Database, server: number): Promise<Credentials> {
    const { rows } = await database.pool.query<{ credential_hash: Buffer; key: number; name: string }>(
      `select credential_hash, key, name
         from storage.credentials join storage.accounts on key = account where server = $1`,
      [server],
    );
    return new Credentials(
      rows.map(({ credential_hash, key, name }) => ({ hash: credential_hash, account: { key, name } })),
    );
  }

  /**
   * The account with this credential. How long it takes tells nothing of any credential: what is looked up and
   * compared is a hash of what the client sent, which it cannot steer.
   */
  find(credential: Uint8Array | undefined): Account | undefined {
    if (!credential) return undefined;
    const hash = credentialHash(credential);
    const entry = this.#accounts.get(hash.toString('base64'));
    return entry && timingSafeEqual(entry.hash, hash) ? entry.account : undefined;
  }
}
