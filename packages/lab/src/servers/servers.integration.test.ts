import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../files/temporary-folder.js';
import { isRunning } from '../processes/leftovers.js';
import { waitFor } from '../processes/until-ready.js';
import { createTestDatabase } from '../testing/test-database.js';
import { startGuardedNats } from './guarded-nats.js';
import { startNats } from './nats.js';
import { startPostgres } from './postgres.js';

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('startPostgres', () => {
  it('keeps its data and its port from one start to the next', async () => {
    await using folder = await temporaryFolder();
    const dir = `${folder.path}/postgres`;
    const first = await startPostgres({ dir });
    await query(first.url, 'create table kept as select 42 as answer');
    await first[Symbol.asyncDispose]();
    await using second = await startPostgres({ dir, port: first.port });
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  it('starts again where one was killed whose sessions are still at work', async () => {
    await using folder = await temporaryFolder('postgres-killed');
    const dir = `${folder.path}/postgres`;
    const first = await startPostgres({ dir, durable: false });
    // It waits for nothing, and so does not see that its server is gone.
    const working = query(
      first.url,
      `do $$ begin while clock_timestamp() < now() + interval '5 s' loop end loop; end $$`,
    ).catch(() => undefined);
    await waitFor('it is at work', async () => {
      const rows = await query(first.url, `select from pg_stat_activity where query like 'do $$%'`);
      return rows.length > 0 || undefined;
    });
    await first.process.kill();
    await using second = await startPostgres({ dir, port: first.port, durable: false });
    expect(second.port).toBe(first.port);
    await working;
  });

  it('takes another port when the one it had is taken', async () => {
    await using nats = await startNats();
    await using postgres = await startPostgres({ port: nats.port, durable: false });
    expect(postgres.port).not.toBe(nats.port);
    expect(await query(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('wants a password', async () => {
    await using postgres = await startPostgres({ durable: false });
    const url = new URL(postgres.url);
    url.password = 'wrong';
    await expect(query(url.toString(), 'select 1')).rejects.toThrow(/password/);
  });
});

describe('startNats', () => {
  it('is gone once disposed', async () => {
    const nats = await startNats();
    const { pid } = nats.process;
    expect(await isRunning(pid, 'nats-server')).toBe(true);
    await nats[Symbol.asyncDispose]();
    expect(await isRunning(pid, 'nats-server')).toBe(false);
  });

  it('reports what the server itself said when it does not come up', async () => {
    await using folder = await temporaryFolder();
    const { writeFile } = await import('node:fs/promises');
    await writeFile(`${folder.path}/jetstream`, 'a file where a folder must be');
    await expect(startNats({ dir: folder.path })).rejects.toThrow(/jetstream/i);
  });
});

describe('startGuardedNats', () => {
  it('comes up in whatever folder it is given', async () => {
    await using folder = await temporaryFolder();
    const dir = join(folder.path, 'GRID', 'var', 'lib', 'nats', "a$'b$&");
    await using nats = await startGuardedNats(dir, { grid: 'g' });
    expect(nats.guard.caFile).toBe(join(dir, 'bus.pem'));
    const configuration = await readFile(join(dir, 'nats-server.conf'), 'utf8');
    expect(configuration).toContain(`cert_file: "${dir}/bus.pem"`);
    expect(configuration).toContain('"holdfast.g.announced"');
  });
});

describe('createTestDatabase', () => {
  it('gives each test an empty database and drops it afterwards', async () => {
    let url = '';
    {
      await using database = await createTestDatabase();
      url = database.url;
      expect(await query(url, 'select count(*)::int as n from pg_stat_user_tables')).toEqual([{ n: 0 }]);
    }
    await expect(query(url, 'select 1')).rejects.toThrow(/does not exist/);
  });
});
