import { createHash } from 'node:crypto';
import type { Database } from '@holdfast/common/database';

/** `active`; `frozen`: reads and renews, stores nothing new; `revoked`: its credentials are refused. */
export type AccountState = 'active' | 'frozen' | 'revoked';

/** Whoever can hold a lease: its row in `storage.accounts`. */
export interface Account {
  readonly key: number;
  readonly name: string;
  readonly state: AccountState;
  /** Milliseconds that its leases last, by what is said of it or of the grid; undefined: as the server is configured. */
  readonly leaseDuration: number | undefined;
  /** Whether it stores for others: see `leaseOwners`. */
  readonly repairer: boolean;
}

/** What is kept of a credential: it has far too many bits to be guessed from its hash. */
export function credentialHash(credential: Uint8Array): Buffer {
  return createHash('sha256').update('holdfast storage credential:').update(credential).digest();
}

/** The short key of a server in the rows of this database, new or known. */
export async function registerServer(database: Database, serverId: string): Promise<number> {
  for (;;) {
    // Looked for first: an insert that meets a conflict would use up a key each time.
    const { rows } = await database.pool.query<{ key: number }>(
      `with known as (select key from storage.servers where server_id = $1),
            added as (insert into storage.servers (server_id)
                      select $1 where not exists (select from known) on conflict do nothing returning key)
       select key from known union all select key from added`,
      [serverId],
    );
    // None where another process added it at this very moment.
    if (rows[0]) return rows[0].key;
  }
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
