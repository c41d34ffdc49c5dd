import { randomBytes } from 'node:crypto';
import { createTestDatabase } from '@holdfast/lab';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { setAccountQuota, setAccountState } from '../accounts/account-changes.js';
import { listAccounts } from '../accounts/account-list.js';
import { newIndex } from '../testing/new-shares.js';
import type { TestClient } from '../testing/test-client.js';
import { openKeeper, type TestKeeper } from '../testing/test-keeper.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { wrongTotals } from '../testing/totals.js';

interface Lease {
  readonly server: string;
  readonly share: number;
  readonly account: string;
  readonly ends: Date;
}

describe('shares that a repairer stores, at one of two servers of a database', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let one: TestServer;
  let two: TestServer;
  let keeper: TestKeeper;
  let alice: TestClient;
  let bob: TestClient;
  let repairer: TestClient;

  beforeAll(async () => {
    database = await createTestDatabase();
    const settings = (nickname: string) => ({ nickname, collection: { enabled: false } });
    one = await startTestServer({ postgres: database.url, settings: settings('s1') });
    two = await startTestServer({ postgres: database.url, settings: settings('s2') });
    keeper = await openKeeper(one);
    await keeper.book.create({ name: 'alice' });
    await keeper.book.create({ name: 'bob', leaseDuration: 3_600_000 });
    await keeper.book.create({ name: 'repairer', repairer: true });
    await keeper.book.create({ name: 'other-repairer', repairer: true });
    // There is no bus: they look by themselves after a while, or when they start.
    for (const server of [one, two]) {
      await server.stop();
      await server.start();
    }
    alice = await keeper.client('alice', one);
    bob = await keeper.client('bob', one);
    repairer = await keeper.client('repairer', two);
  });
  afterEach(async () => {
    expect(await wrongTotals(one)).toEqual([]);
  });
  afterAll(async () => {
    await keeper?.[Symbol.asyncDispose]();
    await two?.[Symbol.asyncDispose]();
    await one?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  async function leasesOn(storageIndex: Uint8Array): Promise<Lease[]> {
    return one.sql<Lease>(
      `select s.description->>'nickname' as server, share_number as share, a.name as account, expires_at as ends
         from storage.leases as l join storage.accounts as a on a.key = l.account
         join storage.servers as s on s.key = l.server
        where storage_index = $1 order by server, share, account`,
      [storageIndex],
    );
  }

  /** Who has a lease on the shares at the second server. */
  const holdersAtTwo = async (storageIndex: Uint8Array) =>
    (await leasesOn(storageIndex))
      .filter(({ server }) => server === 's2')
      .map(({ share, account }) => `${share} ${account}`);

  const usage = async (name: string) => {
    const [row] = await one.sql<{ bytes: number; shares: number; promised: number }>(
      `select coalesce(sum(bytes), 0)::int as bytes, coalesce(sum(shares), 0)::int as shares,
              coalesce(sum(promised), 0)::int as promised
         from storage.usage_totals join storage.accounts on key = account where name = $1`,
      [name],
    );
    return row;
  };

  const stores = [
    [
      'by writes',
      (client: TestClient, storageIndex: Uint8Array, shareNumber: number, data: Uint8Array) =>
        client.store({ storageIndex, shareNumber }, data),
    ],
    [
      'whole',
      async (client: TestClient, storageIndex: Uint8Array, shareNumber: number, data: Uint8Array) => {
        const { stored } = await client.storeWhole(storageIndex, new Map([[shareNumber, data]]));
        expect(stored).toEqual(new Set([shareNumber]));
      },
    ],
  ] as const;

  it.each(stores)('are leased to all who keep the file, each until its latest end (%s)', async (_, store) => {
    const storageIndex = newIndex();
    const before = { alice: await usage('alice'), bob: await usage('bob') };
    await alice.store({ storageIndex, shareNumber: 0 }, randomBytes(1000));
    await alice.store({ storageIndex, shareNumber: 1 }, randomBytes(1000));
    await bob.renew(storageIndex);
    // Alice's leases end at different times.
    await one.sql(
      `update storage.leases set expires_at = expires_at - interval '3 days'
        where storage_index = $1 and share_number = 0`,
      [storageIndex],
    );
    await store(repairer, storageIndex, 5, randomBytes(1000));
    const leases = await leasesOn(storageIndex);
    const latest = (account: string) =>
      Math.max(
        ...leases
          .filter((lease) => lease.server === 's1' && lease.account === account)
          .map(({ ends }) => +ends),
      );
    expect(
      leases
        .filter(({ server }) => server === 's2')
        .map(({ share, account, ends }) => [share, account, +ends]),
    ).toEqual([
      [5, 'alice', latest('alice')],
      [5, 'bob', latest('bob')],
    ]);
    expect(await usage('repairer')).toEqual({ bytes: 0, shares: 0, promised: 0 });
    for (const name of ['alice', 'bob'] as const) {
      expect(await usage(name)).toMatchObject({
        bytes: (before[name]?.bytes ?? 0) + 3000,
        shares: (before[name]?.shares ?? 0) + 3,
      });
    }
  });

  it.each(stores)(
    'stay with it where nobody else keeps the file, until somebody does (%s)',
    async (_, store) => {
      const storageIndex = newIndex();
      await store(repairer, storageIndex, 0, randomBytes(100));
      expect(await holdersAtTwo(storageIndex)).toEqual(['0 repairer']);
      // The lease of a repairer is nobody's who keeps the file.
      await store(await keeper.client('other-repairer', two), storageIndex, 1, randomBytes(100));
      expect(await holdersAtTwo(storageIndex)).toEqual([
        '0 other-repairer',
        '0 repairer',
        '1 other-repairer',
      ]);
      await alice.store({ storageIndex, shareNumber: 2 }, randomBytes(100));
      await store(repairer, storageIndex, 3, randomBytes(100));
      expect(await holdersAtTwo(storageIndex)).toEqual([
        '0 other-repairer',
        '0 repairer',
        '1 alice',
        '1 other-repairer',
        '3 alice',
      ]);
    },
  );

  it('count for an account beyond its quota, and are not refused', async () => {
    const storageIndex = newIndex();
    await bob.store({ storageIndex, shareNumber: 0 }, randomBytes(1000));
    await setAccountQuota(keeper.database, 'bob', 1);
    const before = await usage('bob');
    await repairer.store({ storageIndex, shareNumber: 1 }, randomBytes(1000));
    expect(await usage('bob')).toMatchObject({ bytes: (before?.bytes ?? 0) + 1000 });
    const { status } = await bob.allocate(newIndex(), [0], 1);
    expect(status).toBe(507);
    await setAccountQuota(keeper.database, 'bob', undefined);
  });

  it('keep the end of a frozen or revoked account, which nothing makes later', async () => {
    const storageIndex = newIndex();
    await alice.store({ storageIndex, shareNumber: 0 }, randomBytes(100));
    await bob.renew(storageIndex);
    const before = new Map((await leasesOn(storageIndex)).map(({ account, ends }) => [account, +ends]));
    await setAccountState(keeper.database, 'alice', 'revoked');
    await setAccountState(keeper.database, 'bob', 'frozen');
    try {
      await repairer.store({ storageIndex, shareNumber: 1 }, randomBytes(100));
      const moved = (await leasesOn(storageIndex)).filter(({ server }) => server === 's2');
      expect(new Map(moved.map(({ account, ends }) => [account, +ends]))).toEqual(before);
    } finally {
      await setAccountState(keeper.database, 'alice', 'active');
      await setAccountState(keeper.database, 'bob', 'active');
    }
  });

  it('are its own where the last lease of others ran out while they came', async () => {
    const storageIndex = newIndex();
    await alice.store({ storageIndex, shareNumber: 0 }, randomBytes(100));
    const data = randomBytes(100);
    const share = { storageIndex, shareNumber: 1 };
    await repairer.allocated(storageIndex, [1], 100);
    await repairer.write(share, { begin: 0, end: 50 }, data.subarray(0, 50));
    await one.sql(`update storage.leases set expires_at = now() where storage_index = $1`, [storageIndex]);
    expect((await repairer.write(share, { begin: 50, end: 100 }, data.subarray(50))).status).toBe(201);
    expect(await holdersAtTwo(storageIndex)).toEqual(['1 repairer']);
  });

  it('are found where they are there already, and leased to who keeps the file, not to it', async () => {
    const storageIndex = newIndex();
    await alice.store({ storageIndex, shareNumber: 0 }, randomBytes(100));
    await (await keeper.client('bob', two)).store({ storageIndex, shareNumber: 1 }, randomBytes(100));
    const { alreadyHave } = await repairer.storeWhole(storageIndex, new Map([[1, randomBytes(100)]]));
    expect(alreadyHave).toEqual(new Set([1]));
    expect(await repairer.allocated(storageIndex, [1], 100)).toEqual([]);
    expect(await holdersAtTwo(storageIndex)).toEqual(['1 alice', '1 bob']);
    // Even where the repairer asks for a lease.
    const { status } = await repairer.renew(storageIndex);
    expect(status).toBe(204);
    expect(await holdersAtTwo(storageIndex)).toEqual(['1 alice', '1 bob']);
  });

  it('are exact in the totals where many close at once, of many files, beside those of others', async () => {
    const files = Array.from({ length: 30 }, newIndex);
    await Promise.all(
      files.map((storageIndex) => alice.store({ storageIndex, shareNumber: 0 }, randomBytes(50))),
    );
    await Promise.all(files.map((storageIndex) => bob.renew(storageIndex)));
    const another = await keeper.client('other-repairer', two);
    const aliceAtTwo = await keeper.client('alice', two);
    await Promise.all(
      files.flatMap((storageIndex) => [
        repairer.store({ storageIndex, shareNumber: 1 }, randomBytes(50)),
        another.storeWhole(storageIndex, new Map([[2, randomBytes(50)]])),
        aliceAtTwo.store({ storageIndex, shareNumber: 3 }, randomBytes(50)),
        alice.renew(storageIndex),
        bob.renew(storageIndex),
      ]),
    );
    for (const storageIndex of files) {
      const holders = await holdersAtTwo(storageIndex);
      expect(holders.filter((text) => !text.startsWith('3'))).toEqual([
        '1 alice',
        '1 bob',
        '2 alice',
        '2 bob',
      ]);
    }
  });

  it('are leased so also where the server ended before it could record them', async () => {
    const storageIndex = newIndex();
    await alice.store({ storageIndex, shareNumber: 0 }, randomBytes(100));
    await repairer.store({ storageIndex, shareNumber: 1 }, randomBytes(100));
    // As if it had ended between the rename and the record.
    await one.sql(
      `with gone as (delete from storage.leases where storage_index = $1 and share_number = 1 returning account, server),
            totals as (update storage.usage_totals as t set bytes = bytes - 100, shares = shares - 1
                         from gone where t.account = gone.account and t.server = gone.server),
            promised as (insert into storage.usage_totals as t (server, account, promised)
                         select server, (select key from storage.accounts where name = 'repairer'), 100 from gone
                         on conflict (server, account) do update set promised = t.promised + 100)
       update storage.shares set state = 'coming', uploader = (select key from storage.accounts where name = 'repairer')
        where storage_index = $1 and share_number = 1`,
      [storageIndex],
    );
    await two.kill();
    await two.start();
    expect(await holdersAtTwo(storageIndex)).toEqual(['1 alice']);
    expect(await usage('repairer')).toMatchObject({ promised: 0 });
  });

  it('show their account for what it is', async () => {
    const flags = (await listAccounts(keeper.database)).map(({ name, repairer }) => [name, repairer]);
    expect(Object.fromEntries(flags)).toMatchObject({ alice: false, repairer: true, anonymous: false });
  });
});
