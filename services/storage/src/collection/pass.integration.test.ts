import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Database, openPool } from '@holdfast/common/database';
import { silentLogger } from '@holdfast/common/logging';
import { waitFor } from '@holdfast/lab';
import type { ShareAddress } from '@holdfast/lafs';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Generation } from '../recovery/generation.js';
import { DiskShareBackend } from '../share-backend/disk-share-backend.js';
import { makeShares } from '../testing/made-shares.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { wrongTotals } from '../testing/totals.js';
import { type CollectOptions, collect } from './collect.js';

/** Two batches and a part of a third. */
const made = 1_100;
const logger = silentLogger();

let server: TestServer;
let database: Database;
let key: number;
let serverId: string;
beforeAll(async () => {
  server = await startTestServer({
    settings: { collection: { every: '1d' }, recovery: { automatic: true } },
  });
  database = openPool({
    url: server.databaseUrl,
    applicationName: 'pass under test',
    logger,
    connections: 2,
  });
  const rows = await server.sql<{ key: number; server_id: string }>(
    'select key, server_id from storage.servers',
  );
  ({ key, server_id: serverId } = rows[0] as (typeof rows)[0]);
});
afterAll(async () => {
  await database?.close();
  await server?.[Symbol.asyncDispose]();
});

const recorded = async (where = 'true') =>
  (await server.sql<{ n: number }>(`select count(*)::int as n from storage.shares where ${where}`))[0]?.n;
const files = async () =>
  (await readdir(server.shares, { recursive: true })).filter((name) => /\/\d+$/.test(name)).length;
beforeEach(async () => {
  await server.stop();
  makeShares(server.shares, made);
  await server.start();
  await waitFor('all are recorded', async () => (await recorded()) === made || undefined);
  await server.sql(`update storage.leases set expires_at = now() - interval '1 second'`);
});

function collectWith(backend: DiskShareBackend, options: Partial<CollectOptions> = {}) {
  const generation = new Generation({ backend, database, server: key, serverId });
  return collect({
    backend,
    database,
    server: key,
    generation,
    pace: 1_000_000,
    leaseDuration: 3_600_000,
    ...options,
  });
}
async function expectTheRestToGo(shares: number) {
  const backend = new DiskShareBackend(server.shares, logger);
  expect(await collectWith(backend)).toMatchObject({ shares, failed: 0 });
  await backend.close();
  expect([await recorded(), await files()]).toEqual([0, 0]);
  expect(await wrongTotals(server)).toEqual([]);
}

it('that fails at the files of one batch, when the next is marked, leaves both to the next pass', async () => {
  class CutOff extends DiskShareBackend {
    override async remove(shares: readonly ShareAddress[]): Promise<never> {
      await super.remove(shares.slice(0, shares.length / 2));
      throw new Error('cut off');
    }
  }
  const backend = new CutOff(server.shares, logger);
  await expect(collectWith(backend)).rejects.toThrow('cut off');
  await backend.close();
  // Whoever is told that a share is there gets it: no file is missing of one that is stable.
  expect([await recorded(`state = 'going'`), await recorded(`state = 'stable'`)]).toEqual([1_000, 100]);
  expect(await files()).toBe(made - 250);
  expect(await wrongTotals(server)).toEqual([]);
  await expectTheRestToGo(made);
});

it('that loses Postgres while files are removed fails when they are, and is gone on with', async () => {
  let removing = 0;
  class CutOff extends DiskShareBackend {
    override async remove(shares: readonly ShareAddress[]) {
      removing++;
      await server.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pass under test'`,
      );
      const failures = await super.remove(shares);
      removing--;
      return failures;
    }
  }
  const backend = new CutOff(server.shares, logger);
  await expect(collectWith(backend)).rejects.toThrow();
  expect(removing).toBe(0);
  await backend.close();
  expect(await recorded()).toBe(made);
  expect(await files()).toBe(made - 500);
  expect(await wrongTotals(server)).toEqual([]);
  await expectTheRestToGo(made);
});

it('that is told to stop marks no more, and removes what it has marked', async () => {
  const stopping = new AbortController();
  const backend = new DiskShareBackend(server.shares, logger);
  const done = await collectWith(backend, {
    signal: stopping.signal,
    onProgress: () => stopping.abort(),
  });
  expect(done).toMatchObject({ leases: 500, shares: 500 });
  await backend.close();
  expect([await recorded(`state = 'going'`), await recorded(), await files()]).toEqual([0, 600, 600]);
  await expectTheRestToGo(600);
  expect(await readFile(server.log, 'utf8')).not.toContain('could not be removed');
});

it('looks for shares without a lease while files are removed, and gives none to those that go', async () => {
  await server.sql('update storage.servers set unleased_looked_at = null');
  // A third runs out, a third has no lease at all, and a third stays as it is.
  await server.sql(
    `update storage.leases set expires_at = now() + interval '1 hour' where get_byte(storage_index, 15) % 3 > 0`,
  );
  await server.sql(
    `with gone as (delete from storage.leases where get_byte(storage_index, 15) % 3 = 1 returning server, account)
     update storage.usage_totals as kept set shares = shares - count, bytes = bytes - 100 * count
       from (select server, account, count(*) from gone group by 1, 2) as gone
      where (kept.server, kept.account) = (gone.server, gone.account)`,
  );
  const [unleased, out] = await Promise.all([
    recorded('get_byte(storage_index, 15) % 3 = 1'),
    recorded('get_byte(storage_index, 15) % 3 = 0'),
  ]);
  const leasesOfGoing = () =>
    server.sql(
      `select from storage.shares join storage.leases using (server, storage_index, share_number) where state = 'going'`,
    );
  let seen: unknown[] = [];
  class Slow extends DiskShareBackend {
    override async remove(shares: readonly ShareAddress[]) {
      await delay(500);
      seen = [...seen, ...(await leasesOfGoing())];
      return super.remove(shares);
    }
  }
  const backend = new Slow(server.shares, logger);
  expect(await collectWith(backend)).toMatchObject({ unleased, shares: out, failed: 0 });
  await backend.close();
  expect(seen).toEqual([]);
  expect([await recorded(), await files()]).toEqual([made - (out ?? 0), made - (out ?? 0)]);
  expect(await server.sql('select from storage.servers where unleased_looked_at is null')).toEqual([]);
  expect(await wrongTotals(server)).toEqual([]);
});
