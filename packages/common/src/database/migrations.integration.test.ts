import { blockedStatement, createTestDatabase } from '@holdfast/lab';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../logging/index.js';
import { type Database, openDatabase } from './database.js';
import { type Migration, migrate, SchemaTooNewError } from './migrations.js';

const logger = silentLogger();
const first: Migration = {
  number: 1,
  name: 'shares',
  breaking: true,
  sql: 'create table shares (number integer primary key); insert into shares values (1)',
};
const second: Migration = {
  number: 2,
  name: 'sizes',
  breaking: false,
  sql: 'alter table shares add column size bigint',
};

async function open(url: string): Promise<Database> {
  return openDatabase({ url, applicationName: 'test', logger, connections: 2 });
}

describe('migrations', () => {
  it('are applied once by twenty nodes that start at once', async () => {
    await using temporary = await createTestDatabase();
    const nodes = await Promise.all(Array.from({ length: 20 }, () => open(temporary.url)));
    try {
      const applied = await Promise.all(
        nodes.map((database) =>
          migrate(database, { schema: 'storage', migrations: [first, second], logger }),
        ),
      );
      expect(applied.reduce((sum, some) => sum + some)).toBe(2);
      const { rows } = await nodes[0]!.pool.query('select number, size from storage.shares');
      expect(rows).toEqual([{ number: 1, size: null }]);
    } finally {
      await Promise.all(nodes.map((database) => database.close()));
    }
  });

  it('go on from where an older release stopped', async () => {
    await using temporary = await createTestDatabase();
    const database = await open(temporary.url);
    expect(await migrate(database, { schema: 'storage', migrations: [first], logger })).toBe(1);
    expect(await migrate(database, { schema: 'storage', migrations: [first, second], logger })).toBe(1);
    await database.close();
  });

  it('let an older release go on where the newer step does not break it', async () => {
    await using temporary = await createTestDatabase();
    const database = await open(temporary.url);
    await migrate(database, { schema: 'storage', migrations: [first, second], logger });
    expect(await migrate(database, { schema: 'storage', migrations: [first], logger })).toBe(0);
    await database.close();
  });

  it('refuse to run against a schema that a newer release has changed for good', async () => {
    await using temporary = await createTestDatabase();
    const database = await open(temporary.url);
    await migrate(database, {
      schema: 'storage',
      migrations: [first, { ...second, breaking: true }],
      logger,
    });
    await expect(migrate(database, { schema: 'storage', migrations: [first], logger })).rejects.toThrow(
      new SchemaTooNewError('storage', 2, 1),
    );
    await database.close();
  });

  it('take as long as they take, and are waited for as long: cut off, they would be so at every start', async () => {
    await using temporary = await createTestDatabase();
    const url = new URL(temporary.url);
    url.searchParams.set('statement_timeout', '3000');
    url.searchParams.set('query_timeout', '3000');
    const nodes = await Promise.all([open(url.toString()), open(url.toString())]);
    await expect(nodes[0]!.pool.query('select pg_sleep(5)')).rejects.toThrow(/timeout/);
    const slow = { ...second, sql: `${second.sql}; select pg_sleep(5)` };
    const applied = await Promise.all(
      nodes.map((database) => migrate(database, { schema: 'storage', migrations: [first, slow], logger })),
    );
    expect(applied.reduce((sum, some) => sum + some)).toBe(2);
    // What the node does afterwards is limited as before.
    await expect(nodes[0]!.pool.query('select pg_sleep(5)')).rejects.toThrow(/timeout/);
    await Promise.all(nodes.map((database) => database.close()));
  });

  it('of another node are waited for no longer than until the node is stopped', async () => {
    await using temporary = await createTestDatabase();
    const [using, working, waiting] = [
      await open(temporary.url),
      await open(temporary.url),
      await open(temporary.url),
    ];
    await migrate(using, { schema: 'storage', migrations: [first], logger });
    const schema = { schema: 'storage', migrations: [first, second], logger };
    let migrating: Promise<number> | undefined;
    await using.transaction(async (client) => {
      await client.query('select from storage.shares');
      migrating = migrate(working, schema);
      await blockedStatement(client);
      await expect(migrate(waiting, { ...schema, signal: AbortSignal.timeout(500) })).rejects.toThrow(
        'aborted',
      );
    });
    expect(await migrating).toBe(1);
    await Promise.all([using, working, waiting].map((database) => database.close()));
  });

  it('lock no table of a step before for those who use it while the next waits for them', async () => {
    await using temporary = await createTestDatabase();
    const database = await open(temporary.url);
    const tables = { ...first, sql: 'create table accounts (a integer); create table shares (b integer)' };
    await migrate(database, { schema: 'storage', migrations: [tables], logger });
    const onShares = { ...second, sql: 'create index on shares (b)' };
    const onAccounts = { ...second, number: 3, sql: 'alter table accounts add column c integer' };
    const migrations = [tables, onShares, onAccounts];
    let migrating: Promise<number> | undefined;
    await database.transaction(async (client) => {
      await client.query('select from storage.accounts');
      migrating = migrate(database, { schema: 'storage', migrations, logger });
      await blockedStatement(client);
      await client.query('insert into storage.shares values (1)');
    });
    expect(await migrating).toBe(2);
    await database.close();
  });

  it('leave nothing of a step that fails, and keep those before it', async () => {
    await using temporary = await createTestDatabase();
    const database = await open(temporary.url);
    const broken = { ...second, sql: 'alter table shares add column size bigint; select 1/0' };
    await expect(
      migrate(database, { schema: 'storage', migrations: [first, broken], logger }),
    ).rejects.toThrow('division by zero');
    expect(await migrate(database, { schema: 'storage', migrations: [first, second], logger })).toBe(1);
    await database.close();
  });
});
