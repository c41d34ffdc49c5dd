import { type Database, openPool } from '@holdfast/common/database';
import { loadIdentity } from '@holdfast/common/identity';
import { silentLogger } from '@holdfast/common/logging';
import { AccountBook } from '../accounts/account-book.js';
import { deriveCredential } from '../accounts/account-secret.js';
import { SecretSeal } from '../accounts/secret-seal.js';
import { registerServer } from '../records/accounts.js';
import { TestClient } from './test-client.js';
import type { TestServer } from './test-server.js';

/** The operator of a test server, with its folder and database, beside the running process. */
export interface TestKeeper extends AsyncDisposable {
  readonly book: AccountBook;
  readonly database: Database;
  /** What `server` knows an account of the book by. */
  credential(name: string, server: TestServer): Promise<string>;
  /** A client of `server` with the credential by which `at` (the same server where not given) knows the account. */
  client(name: string, server: TestServer, at?: TestServer): Promise<TestClient>;
}

/** Opens the account book of a test server's folder. */
export async function openKeeper(server: TestServer): Promise<TestKeeper> {
  const { serverId, signingKey } = await loadIdentity(server.dir);
  const logger = silentLogger();
  const database = openPool({
    url: server.databaseUrl,
    applicationName: 'test keeper',
    logger,
    connections: 2,
  });
  const keeper = await registerServer(database, serverId);
  const book = new AccountBook({ database, keeper, seal: new SecretSeal(signingKey), logger });
  const clients: TestClient[] = [];
  const credential = async (name: string, of: TestServer) =>
    deriveCredential(await book.secretOf(name), (await loadIdentity(of.dir)).serverId);
  return {
    book,
    database,
    credential,
    client: async (name, to, at = to) => {
      const client = new TestClient(to.client.origin, await credential(name, at));
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) await client[Symbol.asyncDispose]();
      await database.close();
    },
  };
}
