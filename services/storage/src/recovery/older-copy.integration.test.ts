import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadIdentity } from '@holdfast/common/identity';
import { silentLogger } from '@holdfast/common/logging';
import { waitFor } from '@holdfast/lab';
import { sharePath } from '@holdfast/lafs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setAccountState } from '../accounts/account-changes.js';
import { collect } from '../collection/collect.js';
import { type AccountState, registerServer } from '../records/accounts.js';
import { DiskShareBackend } from '../share-backend/disk-share-backend.js';
import { newShare } from '../testing/new-shares.js';
import { holdfast } from '../testing/run-command.js';
import { openKeeper } from '../testing/test-keeper.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { wrongTotals } from '../testing/totals.js';
import { AccountCopying, readAccountCopy } from './account-copying.js';
import { Generation, RecordsNotCurrentError } from './generation.js';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer({ settings: { collection: { every: '4s' } } });
});
afterEach(() => server?.[Symbol.asyncDispose]());

const mark = async () => {
  const text = await readFile(join(server.shares, 'holdfast-mark'), 'utf8');
  return (JSON.parse(text) as { generation: number }).generation;
};
const readiness = async () => (await fetch(`${server.operator}/readyz`)).text();
const untilReadOnly = () =>
  waitFor('it is read-only', async () => (await readiness()).includes('read-only') || undefined);
const untilReady = () =>
  waitFor('it takes shares in', async () => (await fetch(`${server.operator}/readyz`)).ok || undefined);
const endedWalks = async () => (await readFile(server.log, 'utf8')).split('looked through').length - 1;
const restart = async () => {
  await server.stop();
  const before = await endedWalks();
  await server.start();
  // The end of the walk over all shares raises the generation too.
  await waitFor('the walk is over', async () => (await endedWalks()) > before || undefined);
};

/** The parts of the server that work on its records, in this process. */
async function openParts() {
  const keeper = await openKeeper(server);
  const { database } = keeper;
  const { serverId, signingKey } = await loadIdentity(server.dir);
  const logger = silentLogger();
  const backend = new DiskShareBackend(server.shares, logger);
  const key = await registerServer(database, serverId);
  const generation = new Generation({ backend, database, server: key, serverId });
  return {
    keeper,
    database,
    backend,
    key,
    generation,
    signingKey,
    copying: new AccountCopying({ backend, database, server: key, generation, signingKey, logger }),
    [Symbol.asyncDispose]: async () => {
      await backend.close();
      await keeper[Symbol.asyncDispose]();
    },
  };
}

describe('an older copy that takes the place of the database under a running server', () => {
  it('is noticed within seconds: no lease is believed, and the mark stays', async () => {
    const share = newShare();
    await server.client.store(share, randomBytes(1_000));
    await restart();
    expect((await server.client.renew(share.storageIndex)).status).toBe(204);
    const before = await mark();
    expect(before).toBeGreaterThan(1);

    // The copy is older than the renewal.
    await server.sql(
      `with older as (update storage.servers set generation = 1)
       update storage.leases set expires_at = now() - interval '1 second'`,
    );
    await untilReadOnly();
    expect(await readiness()).toContain('older than the shares');
    expect((await server.client.allocate(newShare().storageIndex, [0], 10)).status).toBe(503);
    // Longer than from one collection to the next.
    await delay(5_000);
    expect(existsSync(join(server.shares, sharePath(share.storageIndex, 0)))).toBe(true);

    const { status } = await holdfast('storage', 'recover', '--dir', server.dir);
    expect(status).toBe(0);
    await untilReady();
    await server.client.store(newShare(), randomBytes(10));
    await server.stop();
    expect(await mark()).toBeGreaterThan(before);
    expect((await server.sql('select from storage.leases where expires_at < now()')).length).toBe(0);
  }, 60_000);

  it('is still noticed at the next start, where the server was stopped at once', async () => {
    await restart();
    const before = await mark();
    await server.sql('update storage.servers set generation = 1');
    await server.stop();
    expect(await mark()).toBe(before);
    const starting = server.start();
    await untilReadOnly();
    await holdfast('storage', 'recover', '--dir', server.dir);
    await starting;
  }, 60_000);

  it('cannot come between a look at it and what is done by its records', async () => {
    await restart();
    const share = newShare();
    await server.client.store(share, randomBytes(1_000));
    await server.stop();
    await using parts = await openParts();
    const { backend, database, key, generation, copying } = parts;
    await server.sql(`update storage.leases set expires_at = now() - interval '1 second'`);
    await server.sql('update storage.servers set generation = 1');
    const before = await mark();
    await expect(
      collect({ backend, database, server: key, generation, pace: 1_000, leaseDuration: 3_600_000 }),
    ).rejects.toThrow(RecordsNotCurrentError);
    await expect(copying.refresh()).rejects.toThrow(RecordsNotCurrentError);
    await expect(generation.raise()).rejects.toThrow(RecordsNotCurrentError);
    expect(await mark()).toBe(before);
    expect(existsSync(join(server.shares, sharePath(share.storageIndex, 0)))).toBe(true);
  });

  it('lets nobody in who was shut out since, once it is recovered, and says whom', async () => {
    await using parts = await openParts();
    const { keeper, backend, signingKey } = parts;
    const copied = async (name: string) =>
      (await readAccountCopy(backend, signingKey))?.accounts.find((account) => account.name === name);
    /** Sets it, and has the server copy that: nobody else may write beside it, and without a bus its start is when it looks. */
    const setState = async (name: string, state: AccountState) => {
      await server.stop();
      await setAccountState(keeper.database, name, state);
      await server.start();
      await waitFor(
        `the copy says so of ${name}`,
        async () => (await copied(name))?.state === state || undefined,
      );
    };
    for (const name of ['alice', 'bob']) await keeper.book.create({ name });
    await restart();
    const alice = await keeper.client('alice', server);
    const answer = async () => (await alice.request('GET', '/storage/v1/version')).status;
    expect(await answer()).toBe(200);
    await setState('alice', 'revoked');

    await server.sql(
      `begin;
       alter table storage.accounts disable trigger user;
       update storage.accounts set state = 'active', changed_at = null;
       alter table storage.accounts enable trigger user;
       update storage.servers set generation = 1;
       commit`,
    );
    await untilReadOnly();
    const { status, stdout } = await holdfast('storage', 'recover', '--dir', server.dir);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/from their copy: alice\.$/m)]);
    await untilReady();
    await waitFor('alice is shut out', async () => (await answer()) === 401 || undefined);
    await setState('bob', 'frozen');
    expect(await copied('alice')).toMatchObject({ state: 'revoked' });
    expect(await backend.readNote('holdfast-accounts.1')).toBeUndefined();
  }, 60_000);

  it('has sizes of mutable shares as they were, which recovering puts right', async () => {
    await restart();
    const share = newShare();
    await server.client.storeMutable(share, randomBytes(1_000_000));
    await server.sql(
      `with older as (update storage.servers set generation = 1),
            sizes as (update storage.shares set size = 1000)
       update storage.usage_totals set bytes = 1000`,
    );
    await untilReadOnly();
    await holdfast('storage', 'recover', '--dir', server.dir);
    await untilReady();
    expect(await server.sql('select size::int from storage.shares')).toEqual([{ size: 1_000_000 }]);
    expect(await wrongTotals(server)).toEqual([]);
  });
});

describe('a database that is emptied under a running server', () => {
  it('takes no account away: not from the copy, nor from who is reading', async () => {
    await using parts = await openParts();
    const { keeper, backend, signingKey } = parts;
    await keeper.book.create({ name: 'alice', quota: 1_000_000 });
    // A start looks for accounts, and copies them.
    await restart();
    const copied = async () =>
      (await readAccountCopy(backend, signingKey))?.accounts.map(({ name }) => name) ?? [];
    await waitFor('alice is copied', async () => (await copied()).includes('alice') || undefined);
    const alice = await keeper.client('alice', server);
    const share = newShare();
    const data = randomBytes(1_000);
    await alice.store(share, data);

    await server.sql('drop schema storage cascade');
    for (const command of [
      ['account', 'list'],
      ['account', 'create', 'eve'],
      ['usage'],
      ['storage', 'collect'],
    ]) {
      const { status, stderr } = await holdfast(...command, '--dir', server.dir);
      expect([command, status, stderr]).toEqual([command, 1, expect.stringContaining('storage recover')]);
    }
    expect(await server.sql(`select to_regclass('storage.servers') as there`)).toEqual([{ there: null }]);
    await untilReadOnly();
    expect(data.equals((await alice.read(share)).body)).toBe(true);
    // Longer than from one look for changed accounts to the next.
    await delay(32_000);
    expect(await copied()).toContain('alice');
    expect(data.equals((await alice.read(share)).body)).toBe(true);

    expect((await holdfast('storage', 'recover', '--dir', server.dir)).status).toBe(0);
    await untilReady();
    await alice.store(newShare(), data);
    // Its credential is in no copy: the server writes it down again.
    await server.client.store(newShare(), data);
    expect(await wrongTotals(server)).toEqual([]);
  }, 120_000);

  it('keeps the copy before, where accounts are gone from records that look current', async () => {
    await server.stop();
    await using parts = await openParts();
    const { keeper, copying, backend, signingKey } = parts;
    await keeper.book.create({ name: 'alice' });
    await copying.refresh();
    await server.sql('delete from storage.sealed_secrets');
    await server.sql('delete from storage.credentials');
    await server.sql(`delete from storage.accounts where name = 'alice'`);
    await copying.refresh();
    const former = await backend.readNote('holdfast-accounts.1');
    await backend.writeNote('holdfast-accounts', former ?? new Uint8Array());
    const names = (await readAccountCopy(backend, signingKey))?.accounts.map(({ name }) => name);
    expect(names).toContain('alice');
  });

  it('keeps it too where changes are gone, and recovering from it brings them back', async () => {
    await server.stop();
    await using parts = await openParts();
    const { keeper, copying, backend } = parts;
    await keeper.book.create({ name: 'alice' });
    await setAccountState(keeper.database, 'alice', 'revoked');
    await copying.refresh();
    await server.sql(
      `begin;
       alter table storage.accounts disable trigger user;
       update storage.accounts set state = 'active', changed_at = null where name = 'alice';
       alter table storage.accounts enable trigger user;
       commit`,
    );
    await copying.refresh();
    const former = await backend.readNote('holdfast-accounts.1');
    await backend.writeNote('holdfast-accounts', former ?? new Uint8Array());
    const { stdout } = await holdfast('storage', 'recover', '--dir', server.dir, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ changed: ['alice'] });
    expect(await server.sql(`select state from storage.accounts where name = 'alice'`)).toEqual([
      { state: 'revoked' },
    ]);
  });
});

describe('the mark', () => {
  it('is that of the last raise, where several are made at the same time', async () => {
    await server.stop();
    await using parts = await openParts();
    const { generation } = parts;
    const before = await mark();
    await Promise.all(Array.from({ length: 20 }, () => generation.raise()));
    expect(await mark()).toBe(before + 20);
    expect(await generation.standing()).toBe('current');
  });
});
