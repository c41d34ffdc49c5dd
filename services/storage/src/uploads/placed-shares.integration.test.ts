import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createDatabase, freePort, startPostgres, temporaryFolder, waitFor } from '@holdfast/lab';
import { type ShareAddress, sharePath } from '@holdfast/lafs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newShare } from '../testing/new-shares.js';
import { holdfast } from '../testing/run-command.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { wrongTotals } from '../testing/totals.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ settings: { collection: { every: '1d' } } });
  // Until then the folder may be another server's, whose containers name accounts that are none of ours.
  await waitFor(
    'the walk is over',
    async () => (await readFile(server.log, 'utf8')).includes('looked through') || undefined,
  );
});
afterAll(() => server?.[Symbol.asyncDispose]());

const storeAt = (of: TestServer, { storageIndex, shareNumber }: ShareAddress, data: Uint8Array) =>
  of.client.storeWhole(storageIndex, new Map([[shareNumber, data]]));
const store = (share: ShareAddress, data: Uint8Array) => storeAt(server, share, data);
const pathAt = (of: TestServer, { storageIndex, shareNumber }: ShareAddress) =>
  join(of.shares, sharePath(storageIndex, shareNumber));
const isThere = (share: ShareAddress) => existsSync(pathAt(server, share));
const stateAt = async (of: TestServer, { storageIndex }: ShareAddress) =>
  (
    await of.sql<{ state: string }>('select state from storage.shares where storage_index = $1', [
      storageIndex,
    ])
  )[0]?.state;
const holders = async ({ storageIndex }: ShareAddress) =>
  (
    await server.sql<{ name: string }>(
      'select name from storage.leases join storage.accounts on key = account where storage_index = $1',
      [storageIndex],
    )
  ).map(({ name }) => name);
const addRecord = ({ storageIndex, shareNumber }: ShareAddress, state: string, size: number) =>
  server.sql(
    `insert into storage.shares (server, storage_index, share_number, state, size)
     select key, $1, $2, $3, $4 from storage.servers`,
    [storageIndex, shareNumber, state, size],
  );

/** Does something in a transaction of its own; returns how to end that. */
async function holding(sql: string): Promise<(last?: string) => Promise<void>> {
  const holder = new pg.Client(server.databaseUrl);
  await holder.connect();
  await holder.query(`begin; ${sql}`);
  return async (last = 'rollback') => {
    await holder.query(last);
    await holder.end();
  };
}

describe('a small share that comes whole', () => {
  it('is placed before Postgres is told of it, and then recorded with the uploader’s lease', async () => {
    const share = newShare(3);
    const release = await holding('lock table storage.shares in access exclusive mode');
    const storing = store(share, randomBytes(1_000));
    await waitFor('the share is in its place', async () => isThere(share) || undefined);
    await release();
    expect((await storing).stored).toEqual(new Set([3]));
    expect(await stateAt(server, share)).toBe('stable');
    expect(await holders(share)).toEqual(['anonymous']);
    expect(await wrongTotals(server)).toEqual([]);
  });

  it('is kept where the server is killed before it is recorded, with the uploader’s lease', async () => {
    const share = newShare(3);
    const data = new Uint8Array(randomBytes(1_000));
    const release = await holding('lock table storage.shares in access exclusive mode');
    const storing = store(share, data).catch((error: Error) => error);
    await waitFor('the share is in its place', async () => isThere(share) || undefined);
    await server.kill();
    expect(await storing).toBeInstanceOf(Error);
    await release();
    // What it had asked Postgres for may yet be done: as if it never had.
    await waitFor(
      'its statement has ended',
      async () =>
        (
          await server.sql(
            `select from pg_stat_activity where datname = current_database() and state = 'active' and query like '%storage.shares as known%'
                and pid <> pg_backend_pid()`,
          )
        ).length === 0 || undefined,
    );
    await server.sql('delete from storage.leases where storage_index = $1', [share.storageIndex]);
    await server.sql('delete from storage.shares where storage_index = $1', [share.storageIndex]);
    await server.start();
    await waitFor('it is recorded', async () => (await stateAt(server, share)) === 'stable' || undefined);
    expect(await holders(share)).toEqual(['anonymous']);
    expect(await wrongTotals(server)).toEqual([]);
    expect(Buffer.compare((await server.client.read(share)).body, data)).toBe(0);
  });

  it('that the disk lost and that comes again keeps its record, and costs its account no more', async () => {
    const share = newShare(3);
    const data = randomBytes(500);
    await store(share, data);
    await rm(dirname(pathAt(server, share)), { recursive: true });
    expect((await store(share, data)).stored).toEqual(new Set([3]));
    expect(isThere(share)).toBe(true);
    expect(await holders(share)).toEqual(['anonymous']);
    expect(await wrongTotals(server)).toEqual([]);
  });

  it('and of which another size is on record is refused, and not there', async () => {
    const share = newShare(3);
    await addRecord(share, 'stable', 999);
    expect((await store(share, randomBytes(1_000))).stored).toEqual(new Set());
    expect(isThere(share)).toBe(false);
    expect(await stateAt(server, share)).toBe('stable');
    expect(await holders(share)).toEqual([]);
  });

  it('and is on record as going is refused until it is gone', async () => {
    const share = newShare(3);
    const data = randomBytes(1_000);
    await addRecord(share, 'going', 1_000);
    expect((await store(share, data)).stored).toEqual(new Set());
    expect(isThere(share)).toBe(false);
    expect(await stateAt(server, share)).toBe('going');
    const { status, stderr } = await holdfast('storage', 'collect', '--dir', server.dir);
    expect([status, stderr]).toEqual([0, '']);
    expect(await stateAt(server, share)).toBeUndefined();
    expect(isThere(share)).toBe(false);
    expect((await store(share, data)).stored).toEqual(new Set([3]));
    expect(await stateAt(server, share)).toBe('stable');
  });

  it('and was on its way out, and is removed once more by who was at it, is there all the same', async () => {
    const share = newShare(3);
    const key = share.storageIndex;
    await addRecord(share, 'going', 1_000);
    const hex = Buffer.from(key).toString('hex');
    const row = `storage.shares where storage_index = '\\x${hex}'`;
    const release = await holding(`select from ${row} for update`);
    const storing = store(share, randomBytes(1_000));
    await waitFor('the share is in its place', async () => isThere(share) || undefined);
    await rm(pathAt(server, share));
    await release(`delete from ${row}; commit`);
    expect((await storing).stored).toEqual(new Set([3]));
    expect(isThere(share)).toBe(true);
    expect(await stateAt(server, share)).toBe('stable');
    expect(await holders(share)).toEqual(['anonymous']);
    expect(await wrongTotals(server)).toEqual([]);
  });

  it('and was announced by somebody who never came is stored', async () => {
    const share = newShare(3);
    await addRecord(share, 'coming', 700);
    expect((await store(share, randomBytes(1_000))).stored).toEqual(new Set([3]));
    expect(await stateAt(server, share)).toBe('stable');
    expect(await holders(share)).toEqual(['anonymous']);
    expect(await wrongTotals(server)).toEqual([]);
  });

  it('and is more than a quota allows that was set just now is refused, and not there', async () => {
    const quota = (bytes: number | null) =>
      server.sql(`update storage.accounts set quota = $1 where name = 'anonymous'`, [bytes]);
    const [usage] = await server.sql<{ bytes: number }>(
      `select bytes::int from storage.usage_totals join storage.accounts on key = account where name = 'anonymous'`,
    );
    const used = usage?.bytes ?? 0;
    const [first, second] = [newShare(3), newShare(3)];
    await quota(used + 500);
    for (const share of [first, second]) {
      await expect(store(share, randomBytes(1_000))).rejects.toThrow('507');
      expect(isThere(share)).toBe(false);
      expect(await stateAt(server, share)).toBeUndefined();
    }
    await quota(used + 1_500);
    expect((await store(first, randomBytes(1_000))).stored).toEqual(new Set([3]));
    await expect(store(second, randomBytes(1_000))).rejects.toThrow('507');
    await quota(null);
    expect((await store(second, randomBytes(1_000))).stored).toEqual(new Set([3]));
    expect(await wrongTotals(server)).toEqual([]);
  });
});

describe('without Postgres', () => {
  it('a share that was placed is recorded when it is back, and others are not placed meanwhile', async () => {
    await using folder = await temporaryFolder('placed');
    const port = await freePort();
    let postgres = await startPostgres({ dir: folder.path, port });
    try {
      await using database = await createDatabase(postgres.url, 'storage');
      await using away = await startTestServer({
        postgres: database.url,
      });
      await postgres.process.kill();
      const [placed, other] = [newShare(3), newShare(3)];
      await expect(storeAt(away, placed, randomBytes(100))).rejects.toThrow('503');
      await expect(storeAt(away, other, randomBytes(100))).rejects.toThrow('503');
      expect([placed, other].map((share) => existsSync(pathAt(away, share)))).toEqual([true, false]);
      postgres = await startPostgres({ dir: folder.path, port });
      // Whoever asks for it again has it, and only a lease of their own on it.
      expect((await storeAt(away, placed, randomBytes(100))).alreadyHave).toEqual(new Set([3]));
      expect(
        await away.sql(
          'select name from storage.leases join storage.accounts on key = account where storage_index = $1',
          [placed.storageIndex],
        ),
      ).toEqual([{ name: 'anonymous' }]);
      expect((await storeAt(away, other, randomBytes(100))).stored).toEqual(new Set([3]));
      expect(await wrongTotals(away)).toEqual([]);
    } finally {
      await postgres.process.kill();
    }
  }, 120_000);
});
