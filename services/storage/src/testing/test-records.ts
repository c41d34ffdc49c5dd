import { type Database, migrate, openPool } from '@holdfast/common/database';
import { silentLogger } from '@holdfast/common/logging';
import { createTestDatabase } from '@holdfast/lab';
import { migrations } from '../migrations/index.js';
import { registerServer } from '../records/accounts.js';

/** A database with the storage schema, for tests of records that need no running server. */
export interface TestRecords extends AsyncDisposable {
  readonly url: string;
  readonly database: Database;
  /** Key of the server `name`, new or known. */
  server(name?: string): Promise<number>;
  /** A new account. */
  account(name: string, quota?: number): Promise<number>;
  /** Rows of a query. */
  sql<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
}

export async function testRecords(): Promise<TestRecords> {
  const { url, ...temporary } = await createTestDatabase();
  const logger = silentLogger();
  const database = openPool({ url, applicationName: 'holdfast test', logger, connections: 8 });
  await migrate(database, { schema: 'storage', migrations, logger });
  const sql = async <Row extends object>(text: string, values: unknown[] = []) =>
    (await database.pool.query<Row>(text, values)).rows;
  return {
    url,
    database,
    server: (name = 'v0-test') => registerServer(database, name),
    account: async (name, quota) => {
      const [row] = await sql<{ key: number }>(
        'insert into storage.accounts (name, quota) values ($1, $2) returning key',
        [name, quota ?? null],
      );
      return (row as { key: number }).key;
    },
    sql,
    [Symbol.asyncDispose]: async () => {
      await database.close();
      await temporary[Symbol.asyncDispose]();
    },
  };
}
