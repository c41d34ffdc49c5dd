import { randomBytes } from 'node:crypto';
import { readdir, readFile, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openPool } from '@holdfast/common/database';
import { silentLogger } from '@holdfast/common/logging';
import { waitFor } from '@holdfast/lab';
import {
  base32Encode,
  decodeAllocateAnswer,
  encodeCorruptionReport,
  sharePath,
  storageRoutes,
} from '@holdfast/lafs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Generation } from '../recovery/generation.js';
import { DiskShareBackend } from '../share-backend/disk-share-backend.js';
import { madeIndex, makeShare, makeShares } from '../testing/made-shares.js';
import { newShare } from '../testing/new-shares.js';
import { holdfast } from '../testing/run-command.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { wrongTotals } from '../testing/totals.js';
import { collect } from './collect.js';

type Share = ReturnType<typeof newShare>;

let server: TestServer;
beforeAll(async () => {
  // The server's own passes do not come in between.
  server = await startTestServer({ settings: { collection: { every: '1d' } } });
  await untilWalked(server);
});
afterAll(() => server?.[Symbol.asyncDispose]());

async function untilWalked(of: TestServer) {
  await waitFor(
    'the walk is over',
    async () => (await readFile(of.log, 'utf8')).includes('looked through') || undefined,
  );
}
const runOut = (of: TestServer, shares: readonly Share[]) =>
  of.sql(`update storage.leases set expires_at = now() - interval '1 second' where storage_index = any($1)`, [
    shares.map(({ storageIndex }) => Buffer.from(storageIndex)),
  ]);
const collectByCommand = async (...options: string[]) => {
  const { status, stdout, stderr } = await holdfast(
    'storage',
    'collect',
    '--dir',
    server.dir,
    '--json',
    ...options,
  );
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout);
};
/** As a pass leaves a share of `anonymous` that it marked and did not come to remove. */
async function markGoing({ storageIndex }: Share) {
  await server.sql(
    `with going as (
       update storage.shares set state = 'going' where storage_index = $1 returning server, size),
     ended as (delete from storage.leases where storage_index = $1)
     update storage.usage_totals as totals set bytes = bytes - size, shares = shares - 1
       from going where totals.server = going.server and account = 1`,
    [storageIndex],
  );
}
const state = async ({ storageIndex }: Share) =>
  (
    await server.sql<{ state: string }>('select state from storage.shares where storage_index = $1', [
      storageIndex,
    ])
  )[0]?.state;
async function stored(size = 1_000): Promise<Share> {
  const share = newShare();
  await server.client.store(share, randomBytes(size));
  return share;
}

describe('a collection beside the running server', () => {
  it('removes what nobody has a lease on, with its folder, and says before what it would do', async () => {
    const [kept, goes, shared] = [await stored(), await stored(5_000), await stored()];
    await runOut(server, [goes, shared]);
    await server.sql(
      `insert into storage.leases (server, storage_index, share_number, account, renewed_at, expires_at)
       select server, storage_index, share_number, 2, now(), now() + interval '1 day'
         from storage.leases where storage_index = $1`,
      [shared.storageIndex],
    );
    await server.sql(
      `update storage.usage_totals set bytes = bytes + 1000, shares = shares + 1 where account = 2`,
    );
    await server.sql(
      `insert into storage.usage_totals (server, account, bytes, shares)
       select server, 2, 1000, 1 from storage.usage_totals where account = 1 on conflict do nothing`,
    );
    // It is open in the server, which must not serve it from there once it is gone.
    expect((await server.client.read(goes)).status).toBe(200);

    const due = {
      accounts: [{ account: 'anonymous', leases: 2, bytes: 6_000 }],
      shares: 1,
      bytes: 5_000,
      damaged: { shares: 0, bytes: 0 },
    };
    expect(await collectByCommand('--dry-run')).toEqual(due);
    expect(await collectByCommand('--dry-run')).toEqual(due);
    expect(await collectByCommand()).toEqual({ leases: 2, shares: 1, bytes: 5_000, failed: 0, unleased: 0 });
    expect(await collectByCommand()).toEqual({ leases: 0, shares: 0, bytes: 0, failed: 0, unleased: 0 });

    expect([await state(kept), await state(goes), await state(shared)]).toEqual([
      'stable',
      undefined,
      'stable',
    ]);
    expect((await server.client.read(goes)).status).toBe(404);
    expect(await server.client.list(goes.storageIndex)).toEqual([]);
    const folder = join(server.shares, sharePath(goes.storageIndex, 0));
    expect(await readdir(dirname(dirname(folder)))).not.toContain(dirname(folder).split('/').at(-1));
    expect((await server.client.read(kept)).status).toBe(200);
    expect(await wrongTotals(server)).toEqual([]);
    // It can come again.
    await server.client.store(goes, randomBytes(10));
  });

  it('removes what readers reported of a share with it, and of no other', async () => {
    const [kept, goes] = [await stored(), await stored()];
    for (const { storageIndex, shareNumber } of [kept, goes]) {
      const path = storageRoutes.reportCorruption.path({ storageIndex, shareNumber });
      await server.client.request('POST', path, {
        headers: { 'content-type': 'application/cbor' },
        body: encodeCorruptionReport('bad hash'),
      });
    }
    await runOut(server, [goes]);
    expect(await collectByCommand()).toMatchObject({ shares: 1 });
    const rows = await server.sql<{ storage_index: Buffer }>(
      'select storage_index from storage.corruption_reports where storage_index = any($1)',
      [[kept, goes].map(({ storageIndex }) => Buffer.from(storageIndex))],
    );
    expect(rows.map((row) => new Uint8Array(row.storage_index))).toEqual([kept.storageIndex]);
  });

  it('never takes a share that is on its way in, or a damaged one', async () => {
    const share = newShare();
    await server.client.allocated(share.storageIndex, [0], 100);
    const damaged = await stored();
    await runOut(server, [damaged]);
    await server.sql(
      `insert into storage.damaged_shares (server, storage_index, share_number, found_by, problem)
       select server, storage_index, share_number, 'scrub', 'test' from storage.shares where storage_index = $1`,
      [damaged.storageIndex],
    );
    expect(await collectByCommand()).toMatchObject({ shares: 0 });
    expect(await state(damaged)).toBe('stable');
    expect(await readdir(dirname(join(server.shares, sharePath(damaged.storageIndex, 0))))).toEqual(['0']);
    expect((await server.client.write(share, { begin: 0, end: 100 }, Buffer.alloc(100))).status).toBe(201);
    expect(await wrongTotals(server)).toEqual([]);
  });

  it('is one at a time, and is refused where the records are not current', async () => {
    const client = new pg.Client({ connectionString: server.databaseUrl });
    await client.connect();
    try {
      await client.query(
        `select pg_advisory_lock(hashtext('holdfast storage upkeep'), key) from storage.servers`,
      );
      const busy = await holdfast('storage', 'collect', '--dir', server.dir);
      expect([busy.status, busy.stderr]).toEqual([1, expect.stringContaining('under way')]);
    } finally {
      await client.end();
    }
    await server.sql('update storage.servers set generation = 1');
    const old = await holdfast('storage', 'collect', '--dir', server.dir);
    expect([old.status, old.stderr]).toEqual([1, expect.stringContaining('older than the shares')]);
    expect((await holdfast('storage', 'recover', server.dir)).status).toBe(0);
    // The server looks every two seconds, and may have seen the old records.
    await waitFor(
      'the server takes shares in again',
      async () =>
        (await server.client.allocate(newShare().storageIndex, [0], 10)).status === 200 || undefined,
    );
  });
});

describe('a damaged share that nobody has a lease on', () => {
  const damage = (share: Share, part: 'container' | 'content') =>
    server.sql(
      `insert into storage.damaged_shares (server, storage_index, share_number, found_by, problem, part)
       select server, storage_index, share_number, 'scrub', 'test', $2 from storage.shares where storage_index = $1`,
      [share.storageIndex, part],
    );
  const nameOf = ({ storageIndex }: Share) => `${base32Encode(storageIndex)}/0`;
  const damagedByCommand = async (...options: string[]) =>
    JSON.parse((await holdfast('storage', 'damaged', '--dir', server.dir, '--json', ...options)).stdout);

  it('goes where it is the content that is damaged, and can come again', async () => {
    const share = await stored(700);
    await damage(share, 'content');
    expect(await collectByCommand()).toMatchObject({ shares: 0 });
    await runOut(server, [share]);
    expect(await collectByCommand('--dry-run')).toMatchObject({ shares: 1, bytes: 700 });
    expect(await collectByCommand()).toMatchObject({ shares: 1, bytes: 700 });
    expect(await state(share)).toBeUndefined();
    await expect
      .poll(() => server.client.allocated(share.storageIndex, [0], 10), { timeout: 15_000 })
      .toEqual([0]);
    expect((await server.client.write(share, { begin: 0, end: 10 }, randomBytes(10))).status).toBe(201);
    expect(await wrongTotals(server)).toEqual([]);
  });

  it('is forgotten with it where a reader found its container damaged when it was going already', async () => {
    const share = await stored(500);
    await markGoing(share);
    await truncate(join(server.shares, sharePath(share.storageIndex, 0)), 7);
    expect(await server.client.list(share.storageIndex)).toEqual([]);
    const found = () =>
      server.sql<{ part: string }>('select part from storage.damaged_shares where storage_index = $1', [
        share.storageIndex,
      ]);
    await expect.poll(found).toEqual([{ part: 'container' }]);
    expect(await collectByCommand()).toMatchObject({ shares: 1, bytes: 500 });
    expect(await found()).toEqual([]);
    // The server has it in memory too, and looks at the records again every few seconds.
    await expect
      .poll(() => server.client.allocated(share.storageIndex, [0], 10), { timeout: 15_000 })
      .toEqual([0]);
    expect((await server.client.write(share, { begin: 0, end: 10 }, randomBytes(10))).status).toBe(201);
    expect(await wrongTotals(server)).toEqual([]);
  });

  it('stays where its container is damaged, is told of, and expires once it is released', async () => {
    const share = await stored(600);
    await damage(share, 'container');
    await runOut(server, [share]);
    expect(await collectByCommand()).toMatchObject({ leases: 1, shares: 0 });
    const kept = (await collectByCommand('--dry-run')).damaged;
    expect(kept.bytes).toBeGreaterThanOrEqual(600);
    const told = (await damagedByCommand()).find((each: { share: string }) => each.share === nameOf(share));
    expect(told).toMatchObject({ part: 'container', bytes: 600, leases: 0 });
    const { stdout } = await holdfast('storage', 'damaged', '--dir', server.dir);
    expect(stdout).toContain('no lease');

    await damagedByCommand('--release', nameOf(share));
    expect(await wrongTotals(server)).toEqual([]);
    expect(
      await server.sql(
        `select name from storage.leases join storage.accounts on key = account where storage_index = $1`,
        [share.storageIndex],
      ),
    ).toEqual([{ name: 'starter' }]);
    await runOut(server, [share]);
    expect(await collectByCommand()).toMatchObject({ leases: 1, shares: 1, bytes: 600 });
    expect(await state(share)).toBeUndefined();
    expect(await wrongTotals(server)).toEqual([]);
  });
});

describe('a share that has no lease for whatever reason', () => {
  it('is given one of starter by a look at all shares once a day, so that it expires like any other', async () => {
    const share = await stored(300);
    await server.sql('delete from storage.leases where storage_index = $1', [share.storageIndex]);
    await server.sql(
      'update storage.usage_totals set bytes = bytes - 300, shares = shares - 1 where account = 1',
    );
    await server.sql('update storage.servers set unleased_looked_at = now()');
    expect(await collectByCommand()).toMatchObject({ unleased: 0 });
    await server.sql(`update storage.servers set unleased_looked_at = now() - interval '25 hours'`);
    expect(await collectByCommand()).toMatchObject({ unleased: 1, shares: 0 });
    expect(await collectByCommand()).toMatchObject({ unleased: 0 });
    expect(await wrongTotals(server)).toEqual([]);
    await runOut(server, [share]);
    expect(await collectByCommand()).toMatchObject({ leases: 1, shares: 1, bytes: 300 });
  });
});

describe('a share that is just being removed', () => {
  it('is not said to be there already, cannot be leased, and comes again when it is gone', async () => {
    const share = await stored(100);
    await markGoing(share);
    const { status, body } = await server.client.allocate(share.storageIndex, [0, 1], 100);
    expect(status).toBe(200);
    const answer = decodeAllocateAnswer(body);
    // Neither there nor allocated: the client places it elsewhere, as with a full server.
    expect([...answer.alreadyHave]).toEqual([]);
    expect([...answer.allocated]).toEqual([1]);
    expect((await server.client.renew(share.storageIndex)).status).toBe(404);
    expect(
      await server.sql('select from storage.leases where storage_index = $1', [share.storageIndex]),
    ).toEqual([]);

    // What an earlier pass left is removed by the next one.
    expect(await collectByCommand()).toMatchObject({ leases: 0, shares: 1, bytes: 100 });
    await server.client.store({ ...share }, randomBytes(100));
    expect(await wrongTotals(server)).toEqual([]);
  });

  it('loses no lease that was acknowledged, while clients renew and allocate what runs out', async () => {
    const shares = await Promise.all(Array.from({ length: 150 }, () => stored(50)));
    const logger = silentLogger();
    const database = openPool({ url: server.databaseUrl, applicationName: 'test', logger, connections: 2 });
    const backend = new DiskShareBackend(server.shares, logger);
    const [{ key, server_id: serverId }] = (await server.sql<{ key: number; server_id: string }>(
      'select key, server_id from storage.servers',
    )) as [{ key: number; server_id: string }];
    const generation = new Generation({ backend, database, server: key, serverId });
    /** Acknowledged since all leases were last made to run out. */
    let safe = new Set<Share>();
    let over = false;
    async function lease(share: Share): Promise<boolean> {
      if (Math.random() < 0.5) return (await server.client.renew(share.storageIndex)).status === 204;
      const { body } = await server.client.allocate(share.storageIndex, [0], 50);
      const { alreadyHave, allocated } = decodeAllocateAnswer(body);
      if (!allocated.has(0)) return alreadyHave.has(0);
      return (await server.client.write(share, { begin: 0, end: 50 }, randomBytes(50))).status === 201;
    }
    const clients = Array.from({ length: 4 }, async (_, offset) => {
      for (let turn = offset; !over; turn += 4) {
        const share = shares[turn % shares.length] as Share;
        const since = safe;
        if (await lease(share)) since.add(share);
      }
    });
    let removed = 0;
    for (let round = 0; round < 6; round++) {
      await runOut(server, shares);
      safe = new Set();
      const options = { backend, database, server: key, generation, pace: 100_000, leaseDuration: 3_600_000 };
      removed += (await collect(options)).shares;
      for (const share of [...safe]) expect((await server.client.read(share)).status).toBe(200);
    }
    over = true;
    await Promise.all(clients);
    await backend.close();
    await database.close();
    expect(removed).toBeGreaterThan(0);
    const unleased = await server.sql(
      `select from storage.shares s where state = 'going' or state = 'stable' and not exists (
         select from storage.leases l where l.storage_index = s.storage_index)
         and not exists (select from storage.damaged_shares d where d.storage_index = s.storage_index)`,
    );
    expect(unleased).toEqual([]);
    expect(await wrongTotals(server)).toEqual([]);
  }, 90_000);
});

describe('the passes of a running server', () => {
  it('go on after SIGKILL at any moment, until everything that ran out is gone and nothing else', async () => {
    await using other = await startTestServer({
      settings: { collection: { every: '200ms', pace: 2_000 }, recovery: { automatic: true } },
    });
    await untilWalked(other);
    await other.stop();
    makeShares(other.shares, 4_000);
    const kept = { storageIndex: madeIndex(-1), shareNumber: 0 };
    makeShare(other.shares, kept, Buffer.from('kept'));
    await other.start();
    const count = async (where = 'true') =>
      (await other.sql<{ n: number }>(`select count(*)::int as n from storage.shares where ${where}`))[0]?.n;
    await waitFor('all are recorded', async () => (await count()) === 4_001 || undefined);
    await other.sql(
      `update storage.leases set expires_at = now() - interval '1 second' where storage_index <> $1`,
      [kept.storageIndex],
    );
    let kills = 0;
    while ((await count()) !== 1 && kills < 5) {
      await delay(150 + Math.random() * 500);
      await other.kill();
      kills++;
      // Whatever has a lease is there.
      await other.start();
      expect((await other.client.read(kept)).status).toBe(200);
    }
    await waitFor('all that ran out is gone', async () => (await count()) === 1 || undefined);
    expect(kills).toBeGreaterThan(1);
    expect(await wrongTotals(other)).toEqual([]);
    const left = (await readdir(other.shares, { recursive: true })).filter((name) => /\/\d+$/.test(name));
    expect(left).toEqual([sharePath(kept.storageIndex, 0)]);
    expect(await readFile(other.log, 'utf8')).toContain('looked for leases that have run out');
    expect(await (await fetch(`${other.operator}/metrics`)).text()).toContain(
      'holdfast_storage_collected_total',
    );
  }, 120_000);
});
