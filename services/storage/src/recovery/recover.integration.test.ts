import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadIdentity } from '@holdfast/common/identity';
import { silentLogger } from '@holdfast/common/logging';
import { createDatabase, freePort, startPostgres, temporaryFolder, waitFor } from '@holdfast/lab';
import { bucketFolder, encodeCorruptionReport, storageRoutes } from '@holdfast/lafs';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setAccountQuota, setAccountState } from '../accounts/account-changes.js';
import { leaseDefault, setLeaseDefault } from '../leases/lease-default.js';
import { DiskShareBackend } from '../share-backend/disk-share-backend.js';
import { madeIndex, makeShare, makeShares } from '../testing/made-shares.js';
import { newShare } from '../testing/new-shares.js';
import { holdfast } from '../testing/run-command.js';
import { openKeeper } from '../testing/test-keeper.js';
import { changeYaml, startTestServer, type TestServer } from '../testing/test-server.js';
import { text } from '../testing/texts.js';
import { wrongTotals } from '../testing/totals.js';
import { readAccountCopy } from './account-copying.js';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server?.[Symbol.asyncDispose]());

const recover = async (...options: string[]) => {
  const { status, stdout, stderr } = await holdfast('storage', 'recover', server.dir, '--json', ...options);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout) as { shares: number; recorded: number; accounts: number; seconds: number };
};
/** Makes the folder of a storage index one that nobody can open, whoever runs this; returns how to mend it. */
const breakFolder = async (storageIndex: Uint8Array) => {
  const folder = join(server.shares, bucketFolder(storageIndex));
  await rename(folder, `${folder}.aside`);
  await symlink(folder, folder);
  return async () => {
    await rm(folder);
    await rename(`${folder}.aside`, folder);
  };
};
const loseDatabase = () => server.sql('drop schema storage cascade');
const leaseholders = async (storageIndex: Uint8Array) =>
  (
    await server.sql<{ name: string }>(
      `select name from storage.leases join storage.accounts on key = account where storage_index = $1 order by name`,
      [storageIndex],
    )
  ).map(({ name }) => name);
const readiness = async () => (await fetch(`${server.operator}/readyz`)).text();
const untilReadOnly = () =>
  waitFor('it is read-only', async () => (await readiness()).includes('read-only') || undefined);
const untilWalked = () =>
  waitFor(
    'the walk is over',
    async () => (await readFile(server.log, 'utf8')).includes('looked through') || undefined,
  );

describe('a server whose database is lost', () => {
  it('serves what it has and takes nothing in, until its records are recovered, with accounts and leases', async () => {
    await using keeper = await openKeeper(server);
    await keeper.book.create({ name: 'alice', quota: 1_000_000 });
    await setLeaseDefault(keeper.database, 45 * 86_400_000);
    const alice = await keeper.client('alice', server);
    await waitFor(
      'alice is known',
      async () => (await alice.request('GET', '/storage/v1/version')).status === 200 || undefined,
      { timeoutMs: 45_000 },
    );
    const [hers, anybodys] = [newShare(), newShare()];
    const data = randomBytes(5_000);
    await alice.store(hers, data);
    await server.client.store(anybodys, data);
    const { signingKey } = await loadIdentity(server.dir);
    const backend = new DiskShareBackend(server.shares, silentLogger());
    // There is a copy since the start, without alice.
    await waitFor(
      'alice is copied',
      async () =>
        (await readAccountCopy(backend, signingKey))?.accounts.some(({ name }) => name === 'alice') ||
        undefined,
    );
    await backend.close();
    expect(await readFile(join(server.shares, 'holdfast-accounts'), 'latin1')).not.toContain('alice');

    await server.stop();
    await loseDatabase();
    const starting = server.start();
    await untilReadOnly();
    expect(await readiness()).toContain(`holdfast storage recover ${server.dir}`);
    expect(await readFile(server.log, 'utf8')).toContain(`holdfast storage recover ${server.dir}`);
    expect(await (await fetch(`${server.operator}/metrics`)).text()).toMatch(
      /holdfast_storage_read_only\{[^}]*\} 1/,
    );
    expect(data.equals((await server.client.read(anybodys)).body)).toBe(true);
    expect(await server.client.list(hers.storageIndex)).toEqual([0]);
    const refused = await server.client.allocate(newShare().storageIndex, [0], 10);
    expect([refused.status, text(refused.body)]).toEqual([503, expect.stringContaining('read-only')]);
    expect((await server.client.renew(anybodys.storageIndex)).status).toBe(503);
    for (const route of ['reportCorruption', 'reportMutableCorruption'] as const) {
      const report = await server.client.request('POST', storageRoutes[route].path(anybodys), {
        headers: { 'content-type': 'application/cbor' },
        body: encodeCorruptionReport('bad'),
      });
      expect(report.status).toBe(503);
    }
    for (const change of [
      ['create', 'eve'],
      ['quota', 'anonymous', '1GB'],
      ['freeze', 'anonymous'],
    ]) {
      const { status, stderr } = await holdfast('account', ...change, '--dir', server.dir);
      expect([status, stderr]).toEqual([1, expect.stringContaining('storage recover')]);
    }

    expect(await recover()).toMatchObject({ shares: 2, recorded: 2, accounts: 1 });
    await starting;
    await waitFor(
      'alice is known again',
      async () => (await alice.request('GET', '/storage/v1/version')).status === 200 || undefined,
    );
    expect(data.equals((await alice.read(hers)).body)).toBe(true);
    expect(await leaseholders(hers.storageIndex)).toEqual(['alice']);
    expect(await leaseholders(anybodys.storageIndex)).toEqual(['anonymous']);
    expect(await server.sql(`select quota from storage.accounts where name = 'alice'`)).toEqual([
      { quota: 1_000_000 },
    ]);
    expect(await leaseDefault(keeper.database)).toBe(45 * 86_400_000);
    expect(await keeper.book.secretOf('alice')).toHaveLength(32);
    await alice.store(newShare(), data);
    await server.client.store(newShare(), data);
    expect(await wrongTotals(server)).toEqual([]);

    // New accounts get keys that none of the restored ones has.
    await keeper.book.create({ name: 'bob' });
    const rows = await server.sql<{ key: number }>('select key from storage.accounts');
    expect(new Set(rows.map(({ key }) => key)).size).toBe(4);
  }, 120_000);

  it('shuts the anonymous account out again where it was shut out, and only then', async () => {
    await using keeper = await openKeeper(server);
    await setAccountState(keeper.database, 'anonymous', 'frozen');
    await setAccountQuota(keeper.database, 'anonymous', 500_000);
    await server.stop();
    // A start copies the accounts as they are then.
    const copied = () =>
      stat(join(server.shares, 'holdfast-accounts')).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      );
    const before = await copied();
    await server.start();
    await waitFor('the accounts are copied', async () => (await copied()) > before || undefined);
    await server.stop();
    await loseDatabase();
    await recover();
    const anonymous = () => server.sql(`select state, quota from storage.accounts where name = 'anonymous'`);
    expect(await anonymous()).toEqual([{ state: 'frozen', quota: 500_000 }]);

    await setAccountState(keeper.database, 'anonymous', 'active');
    await recover();
    expect(await anonymous()).toEqual([{ state: 'active', quota: 500_000 }]);
  });

  it('recovers by itself where it is told to', async () => {
    const share = newShare();
    await server.client.store(share, randomBytes(100));
    await untilWalked();
    await server.stop();
    await loseDatabase();
    await changeYaml(join(server.dir, 'node.yaml'), { recovery: { automatic: true } });
    await server.start();
    expect(await leaseholders(share.storageIndex)).toEqual(['anonymous']);
    await server.client.store(newShare(), randomBytes(100));
    expect(await wrongTotals(server)).toEqual([]);
  });
});

describe('an older copy of the database', () => {
  it('is noticed; recovering records what it lacks and begins every lease anew', async () => {
    const [old, unseen, since] = [newShare(), newShare(), newShare()];
    for (const share of [old, unseen]) await server.client.store(share, randomBytes(100));
    // What it has as going, under a folder that cannot be read, may have come again since.
    await server.sql(
      `insert into storage.shares (server, storage_index, share_number, state, size)
       select server, storage_index, 1, 'going', 100 from storage.shares where storage_index = $1`,
      [unseen.storageIndex],
    );
    await untilWalked();
    const tables = ['servers', 'shares', 'leases', 'usage_totals'];
    for (const table of tables) await server.sql(`create table old_${table} as table storage.${table}`);

    await server.client.store(since, randomBytes(200));
    await server.stop();
    for (const table of [...tables].reverse()) {
      if (table === 'servers') continue;
      await server.sql(`truncate storage.${table}`);
      await server.sql(`insert into storage.${table} select * from old_${table}`);
    }
    await server.sql('update storage.servers set generation = (select generation from old_servers)');
    // As if the copy were of last month: what was renewed since is not in it.
    await server.sql(`update storage.leases set expires_at = now() - interval '1 hour'`);

    const mend = await breakFolder(unseen.storageIndex);
    const starting = server.start();
    await untilReadOnly();
    expect(await readiness()).toContain('older than the shares');
    expect(await recover()).toMatchObject({ shares: 2, recorded: 1, unreadableFolders: 1 });
    await starting;
    await mend();
    const leases = await server.sql<{ fresh: boolean }>(
      `select expires_at > now() + interval '30 days' as fresh from storage.leases`,
    );
    expect(leases).toEqual([{ fresh: true }, { fresh: true }, { fresh: true }]);
    expect(await server.sql(`select from storage.shares where state = 'going'`)).toEqual([]);
    expect(await wrongTotals(server)).toEqual([]);
    await server.client.store(newShare(), randomBytes(100));
  });
});

describe('recovering', () => {
  it('records many small shares, while others are stored, and changes nothing when it is done again', async () => {
    makeShares(server.shares, 20_000);
    let over = false;
    let stored = 0;
    const storing = (async () => {
      while (!over) {
        await server.client.store(newShare(), randomBytes(1_000));
        stored++;
      }
    })();
    const first = await recover();
    over = true;
    await storing;
    process.stdout.write(
      `recovered ${first.shares} shares in ${first.seconds.toFixed(1)} s: ${Math.round(first.shares / first.seconds)} a second, while ${stored} were stored\n`,
    );
    expect(first.shares).toBeGreaterThanOrEqual(20_000);
    const rows = () =>
      server.sql(
        `select count(*)::int as shares, (select count(*)::int from storage.leases) as leases,
                (select sum(extract(epoch from expires_at))::text from storage.leases) as expiries,
                (select sum(bytes)::text from storage.usage_totals) as bytes
           from storage.shares where state = 'stable'`,
      );
    const before = await rows();
    expect(before).toMatchObject([{ shares: 20_000 + stored, leases: 20_000 + stored }]);
    expect(await recover()).toMatchObject({ shares: 20_000 + stored, recorded: 0 });
    expect(await rows()).toEqual(before);
    expect(await wrongTotals(server)).toEqual([]);
  }, 180_000);

  it('works before the server has ever run with the database, and beside damaged files', async () => {
    await server.stop();
    makeShares(server.shares, 20);
    await writeFile(join(server.shares, 'README'), 'not a share');
    makeShare(server.shares, { storageIndex: madeIndex(3), shareNumber: 1 }, Buffer.from('a'), [0, 0]);
    const outcome = await recover();
    expect(outcome).toMatchObject({ shares: 21, recorded: 21, unreadable: 0 });
    await server.start();
    expect(await server.client.list(madeIndex(3))).toEqual([0, 1]);
  });

  it('passes over a folder that cannot be read, says which, and records what is in it once it can be', async () => {
    const [seen, unseen] = [newShare(), newShare()];
    for (const share of [seen, unseen]) await server.client.store(share, randomBytes(100));
    await untilWalked();
    await server.stop();
    const mend = await breakFolder(unseen.storageIndex);
    await loseDatabase();
    expect(await recover()).toMatchObject({
      shares: 1,
      recorded: 1,
      unreadable: 0,
      unreadableFolders: 1,
      someUnreadableFolders: [`${bucketFolder(unseen.storageIndex)}: the folder cannot be read: ELOOP`],
    });
    await server.start();
    await server.client.store(newShare(), randomBytes(100));
    const { stdout } = await holdfast('storage', 'recover', server.dir);
    expect(stdout).toContain('1 folders could not be read');
    await mend();
    expect(await recover()).toMatchObject({ recorded: 1, unreadableFolders: 0 });
    expect(await leaseholders(unseen.storageIndex)).toEqual(['anonymous']);
    expect(await wrongTotals(server)).toEqual([]);
  });

  it('gives leases to the owners of shares only where this server wrote them', async () => {
    await untilWalked();
    await server.stop();
    const [ours, theirs] = [newShare(), newShare()];
    makeShare(server.shares, ours, Buffer.from('ours'), [1]);
    await recover();
    expect(await leaseholders(ours.storageIndex)).toEqual(['anonymous']);
    const mark = JSON.parse(await readFile(join(server.shares, 'holdfast-mark'), 'utf8'));
    await writeFile(join(server.shares, 'holdfast-mark'), JSON.stringify({ ...mark, server: 'v0-another' }));
    makeShare(server.shares, theirs, Buffer.from('theirs'), [1]);
    await server.start();
    await waitFor(
      'it is adopted',
      async () => (await leaseholders(theirs.storageIndex)).length > 0 || undefined,
    );
    expect(await leaseholders(theirs.storageIndex)).toEqual(['starter']);
  });

  it('goes on when Postgres is restarted meanwhile', async () => {
    await using folder = await temporaryFolder('recovering');
    const port = await freePort();
    let postgres = await startPostgres({ dir: folder.path, port });
    try {
      await using database = await createDatabase(postgres.url, 'storage');
      await using other = await startTestServer({ postgres: database.url });
      await other.stop();
      makeShares(other.shares, 20_000);
      // So that it is not over before Postgres is killed.
      await other.sql(
        `create function slowly() returns trigger language plpgsql as 'begin perform pg_sleep(2); return null; end';
         create trigger slowly after insert on storage.shares for each statement execute function slowly()`,
      );
      const recovering = holdfast('storage', 'recover', other.dir, '--json');
      const recorded = async () =>
        (await other.sql<{ shares: number }>('select count(*)::int as shares from storage.shares'))[0]
          ?.shares ?? 0;
      await waitFor('it has begun', async () => (await recorded()) > 0 || undefined, { everyMs: 10 });
      await postgres.process.kill();
      postgres = await startPostgres({ dir: folder.path, port });
      expect(await recorded()).toBeLessThan(20_000);
      await other.sql('drop trigger slowly on storage.shares');
      const { status, stdout, stderr } = await recovering;
      expect([status, stderr]).toEqual([0, '']);
      expect(JSON.parse(stdout)).toMatchObject({ shares: 20_000 });
      expect(await recorded()).toBe(20_000);
    } finally {
      await postgres.process.kill();
    }
  }, 120_000);

  it('is refused while another is under way', async () => {
    const holder = new pg.Client({ connectionString: server.databaseUrl });
    await holder.connect();
    try {
      await holder.query(
        `select pg_advisory_lock(hashtext('holdfast storage upkeep'), key) from storage.servers`,
      );
      const { status, stderr } = await holdfast('storage', 'recover', '--dir', server.dir);
      expect([status, stderr.trim().split('\n').length]).toEqual([1, 1]);
      expect(stderr).toContain('under way');
    } finally {
      await holder.end();
    }
  });
});
