import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createDatabase, freePort, startPostgres, temporaryFolder, waitFor } from '@holdfast/lab';
import { sharePath } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { expectAcknowledged, expectLeases, untilDisconnected } from './testing/check-load.js';
import { type LoadedShare, MixedLoad } from './testing/mixed-load.js';
import { Seeded, testSeed } from './testing/seeded.js';
import { startTestServer, type TestServer } from './testing/test-server.js';
import { wrongTotals } from './testing/totals.js';

const month = 31 * 86_400_000;
const clients = 6;

/** Gives the load's clients some time, then does `violence`, and waits for the clients to notice. */
async function under(load: MixedLoad, time: number, violence: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const working = load.run(clients, stop.signal);
  // What it throws is thrown below.
  working.catch(() => undefined);
  await delay(time);
  await violence();
  stop.abort();
  await working;
}

/** A slow machine does less between two kills: then the load goes on for a while without them. */
async function until(load: MixedLoad, enough: () => boolean): Promise<void> {
  while (!enough()) await under(load, 200, async () => undefined);
}

/** How many of some shares are listed, or lie in the share folder. */
async function stillThere(server: TestServer, shares: readonly LoadedShare[]): Promise<number> {
  let count = 0;
  for (const { storageIndex, shareNumber } of shares) {
    if (existsSync(join(server.shares, sharePath(storageIndex, shareNumber)))) count++;
    else if ((await server.client.list(storageIndex)).length > 0) count++;
  }
  return count;
}

const logOf = (server: TestServer) => readFile(server.log, 'utf8');

describe('a storage server under a mixed load', () => {
  it('killed fifty times at any moment keeps all that it acknowledged, and its totals are those of its leases', async () => {
    const seed = testSeed();
    process.stdout.write(`HOLDFAST_SEED=${seed}\n`);
    const random = new Seeded(seed);
    await using server = await startTestServer({
      settings: { scrub: { bytes_per_second: '100MB', every: '1s' }, collection: { every: '100ms' } },
    });
    const load = new MixedLoad(server.client, seed);
    const forsake = async (count: number) => {
      const forsaken = load.forsake(count).map(({ storageIndex }) => storageIndex);
      await server.sql(
        "update storage.leases set expires_at = now() - interval '1 second' where storage_index = any($1)",
        [forsaken],
      );
    };
    for (let kill = 0; kill < 50; kill++) {
      await under(load, 20 + random.below(400), () => server.kill());
      await untilDisconnected(server);
      expect(await wrongTotals(server)).toEqual([]);
      await server.start();
      // Collected while the next kills come.
      if (kill % 3 === 0) await forsake(10);
    }
    await until(load, () => load.stored.length > 200 && load.slots.length > 50 && load.renewed.size > 50);
    // A slow machine had fewer to forsake between the kills.
    await forsake(Math.max(0, 60 - load.forsaken.length));
    await expect
      .poll(() => server.sql('select from storage.leases where expires_at < now()'), { timeout: 20_000 })
      .toEqual([]);
    expect(load.forsaken.length).toBeGreaterThan(50);
    await expect.poll(() => stillThere(server, load.forsaken), { timeout: 20_000 }).toBe(0);
    await expectAcknowledged(server, load);
    await expectLeases(server, load, month);
    expect(await wrongTotals(server)).toEqual([]);
    expect(await server.sql("select from storage.shares where state = 'coming'")).toEqual([]);
    expect(await server.sql('select from storage.damaged_shares')).toEqual([]);
    expect(await readdir(join(server.shares, 'incoming'))).toEqual([]);
    const log = await logOf(server);
    expect(log).not.toContain('a request failed');
    expect(log).not.toContain('counted anew');
  }, 480_000);

  it('whose Postgres is killed fifty times keeps all that it acknowledged, and goes on by itself', async () => {
    const seed = testSeed();
    process.stdout.write(`HOLDFAST_SEED=${seed}\n`);
    const random = new Seeded(seed);
    await using folder = await temporaryFolder('kills');
    const port = await freePort();
    // Durable: what Postgres has committed must outlive it.
    let postgres = await startPostgres({ dir: folder.path, port });
    try {
      await using database = await createDatabase(postgres.url, 'storage');
      await using server = await startTestServer({ postgres: database.url });
      const load = new MixedLoad(server.client, seed);
      for (let kill = 0; kill < 50; kill++) {
        await under(load, 50 + random.below(600), async () => {
          await postgres.process.kill();
          await delay(random.below(300));
          postgres = await startPostgres({ dir: folder.path, port });
        });
      }
      await waitFor('it is ready', async () => (await fetch(`${server.operator}/readyz`)).ok || undefined);
      await until(load, () => load.stored.length > 100 && load.slots.length > 25);
      await expectAcknowledged(server, load);
      await expectLeases(server, load, month);
      // Nothing is on its way any more, and nothing counts as if it were.
      expect(await wrongTotals(server)).toEqual([]);
      await server.kill();
      await server.start();
      await expectAcknowledged(server, load);
      expect(await wrongTotals(server)).toEqual([]);
      expect(await logOf(server)).not.toContain('counted anew');
    } finally {
      await postgres[Symbol.asyncDispose]();
    }
  }, 480_000);
});
