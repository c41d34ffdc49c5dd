import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKeeper, type TestKeeper } from '../testing/test-keeper.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { setAccountQuota, setAccountState } from './account-changes.js';
import { listAccounts, showAccount } from './account-list.js';

describe('an account', () => {
  let server: TestServer;
  let keeper: TestKeeper;

  beforeAll(async () => {
    server = await startTestServer();
    keeper = await openKeeper(server);
  });
  afterAll(async () => {
    await keeper?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  it('cannot have a name that is taken, and leaves nothing of the attempt', async () => {
    await keeper.book.create({ name: 'twin' });
    const count = async () =>
      (await server.sql<{ n: number }>('select count(*)::int as n from storage.credentials'))[0]?.n;
    const before = await count();
    for (const name of ['twin', 'anonymous', 'starter'])
      await expect(keeper.book.create({ name })).rejects.toMatchObject({ code: 'name-taken' });
    expect(await count()).toBe(before);
  });

  it('is made once when two make it at the same moment', async () => {
    const made = await Promise.allSettled([1, 2, 3].map(() => keeper.book.create({ name: 'raced' })));
    expect(made.filter(({ status: how }) => how === 'fulfilled')).toHaveLength(1);
  });

  it('shows its limits, and the running totals of all servers', async () => {
    await keeper.book.create({ name: 'sized', quota: 5_000_000_000_000, leaseDuration: 60 * 86_400_000 });
    const [row] = await server.sql<{ key: number }>("select key from storage.accounts where name = 'sized'");
    await server.sql("insert into storage.servers (server_id) values ('v0-elsewhere')");
    await server.sql(
      `insert into storage.usage_totals (server, account, bytes, shares, promised)
       select key, $1, 7000000000000, 3, 5 from storage.servers`,
      [row?.key],
    );
    const expected = {
      name: 'sized',
      state: 'active',
      quota: 5_000_000_000_000,
      leaseSeconds: 60 * 86_400,
      keeper: 's1',
      bytes: 14_000_000_000_000,
      shares: 6,
      promised: 10,
    };
    const listed = await listAccounts(keeper.database);
    expect(listed.map(({ name }) => name)).toEqual([...listed.map(({ name }) => name)].sort());
    expect(listed.find(({ name }) => name === 'sized')).toMatchObject(expected);
    expect(await showAccount(keeper.database, 'sized')).toMatchObject({
      ...expected,
      servers: [
        { nickname: 's1', bytes: 7_000_000_000_000, shares: 3, promised: 5, registered: true },
        { serverId: 'v0-elsewhere', nickname: null, registered: false },
      ],
    });
    await setAccountQuota(keeper.database, 'sized', undefined);
    expect(await showAccount(keeper.database, 'sized')).toMatchObject({ quota: null });
  });

  it('that is not there, or is starter, cannot be changed or shown', async () => {
    const { database, book } = keeper;
    await expect(setAccountState(database, 'nobody', 'frozen')).rejects.toMatchObject({
      code: 'no-such-account',
    });
    await expect(setAccountQuota(database, 'nobody', 1)).rejects.toMatchObject({ code: 'no-such-account' });
    await expect(showAccount(database, 'nobody')).rejects.toMatchObject({ code: 'no-such-account' });
    await expect(book.secretOf('nobody')).rejects.toMatchObject({ code: 'no-such-account' });
    await expect(setAccountState(database, 'starter', 'revoked')).rejects.toMatchObject({
      code: 'fixed-account',
    });
    await expect(setAccountQuota(database, 'starter', 1)).rejects.toMatchObject({ code: 'fixed-account' });
    await expect(book.secretOf('anonymous')).rejects.toMatchObject({ code: 'no-secret' });
  });

  it('that is revoked is not let in again by freezing it', async () => {
    await keeper.book.create({ name: 'out' });
    await setAccountState(keeper.database, 'out', 'revoked');
    await expect(setAccountState(keeper.database, 'out', 'frozen')).rejects.toMatchObject({
      code: 'revoked',
    });
    await setAccountState(keeper.database, 'out', 'active');
    expect(await showAccount(keeper.database, 'out')).toMatchObject({ state: 'active' });
  });

  it('is in the book of one folder only, and another is told whose', async () => {
    await keeper.book.create({ name: 'kept' });
    await using other = await startTestServer({ postgres: server.databaseUrl, settings: { nickname: 's2' } });
    await using stranger = await openKeeper(other);
    await expect(stranger.book.secretOf('kept')).rejects.toMatchObject({
      code: 'not-keeper',
      message: expect.stringMatching(/give the folder of s1 \(v0-/),
    });
  });

  it('whose sealed secret was changed does not keep the others from being registered', async () => {
    await keeper.book.create({ name: 'broken' });
    await keeper.book.create({ name: 'whole' });
    await server.sql(
      `update storage.sealed_secrets set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)
        where account = (select key from storage.accounts where name = 'broken')`,
    );
    const [later] = await server.sql<{ key: number }>(
      "insert into storage.servers (server_id) values ('v0-later') returning key",
    );
    await keeper.book.register();
    const rows = await server.sql<{ name: string }>(
      `select name from storage.credentials join storage.accounts on key = account
        where server = $1 and name in ('broken', 'whole')`,
      [later?.key],
    );
    expect(rows).toEqual([{ name: 'whole' }]);
    await expect(keeper.book.secretOf('broken')).rejects.toMatchObject({ code: 'unreadable-secret' });
  });
});
