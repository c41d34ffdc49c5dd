import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase, waitFor } from '@holdfast/lab';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newIndex } from '../testing/new-shares.js';
import { type TestRecords, testRecords } from '../testing/test-records.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { closeHours } from './close-hours.js';
import { usageReport } from './usage-report.js';

/** Lets some hours pass, for all that is written in a database. The trigger is not to take it for a change. */
const letPass = (hours: number) => `
  begin;
  set local session_replication_role = replica;
  update storage.usage_totals set changed_at = changed_at - interval '${hours} hours';
  update storage.leases set begun_at = begun_at - interval '${hours} hours';
  create temporary table moved on commit drop as select * from storage.usage_ledger;
  delete from storage.usage_ledger;
  insert into storage.usage_ledger (account, server, hour, byte_seconds, bytes, shares)
  select account, server, hour - interval '${hours} hours', byte_seconds, bytes, shares from moved;
  commit`;

/** What of the ledger is not what the leases alone come to, hour by hour, and what is missing in it or too much. */
const wrongHours = `
  with hours as (
    select account, server, hour
      from (select account, server, min(date_trunc('hour', begun_at, 'UTC')) as first
              from storage.leases group by account, server) as begun
      join storage.usage_totals using (account, server),
           generate_series(first, date_trunc('hour', changed_at, 'UTC') - interval '1 hour', interval '1 hour') as hour),
  expected as (
    select hours.account, hours.server, hour,
           sum(size * extract(epoch from hour + interval '1 hour' - greatest(hour, begun_at))) as byte_seconds,
           sum(size) as bytes, count(*) as shares
      from hours
      join storage.leases on leases.account = hours.account and leases.server = hours.server
       and begun_at < hour + interval '1 hour'
      join storage.shares on shares.server = leases.server and shares.storage_index = leases.storage_index
       and shares.share_number = leases.share_number
     group by 1, 2, 3)
  select * from expected full join storage.usage_ledger as written using (account, server, hour)
   where (expected.byte_seconds, expected.bytes, expected.shares)
      is distinct from (written.byte_seconds, written.bytes, written.shares)`;

/** Whole sums up to now, of the leases alone and as they are kept. */
const sums = `
  select (select coalesce(sum(size * extract(epoch from now() - begun_at)), 0)
            from storage.leases join storage.shares using (server, storage_index, share_number))::text as raw,
         ((select coalesce(sum(byte_seconds), 0) from storage.usage_ledger)
          + (select coalesce(sum(byte_seconds + bytes * extract(epoch from now() - changed_at)), 0)
               from storage.usage_totals))::text as kept`;

beforeEach(async () => {
  // An hour of the clock that ends during a test would be one more.
  const left = 3_600_000 - (Date.now() % 3_600_000);
  if (left < 60_000) await delay(left);
});

describe('the ledger of usage', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let servers: [TestServer, TestServer];
  beforeAll(async () => {
    database = await createTestDatabase();
    const first = await startTestServer({ postgres: database.url });
    servers = [first, await startTestServer({ postgres: database.url })];
  });
  afterAll(async () => {
    for (const server of servers ?? []) await server[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  it('has no gap and nothing twice, over hours, kills and time that a server was away', async () => {
    const [one, two] = servers;
    const stored: Uint8Array[] = [];
    const store = async (server: TestServer) => {
      const storageIndex = newIndex();
      await server.client.store({ storageIndex, shareNumber: 0 }, randomBytes(1 + stored.length * 1000));
      stored.push(storageIndex);
    };
    await Promise.all([store(one), store(one), store(two)]);
    await one.sql(letPass(1));
    await Promise.all([store(one), store(one)]);
    await one.sql(letPass(3));
    await one.client.renew(stored[0] as Uint8Array);
    // Killed while shares come in, and away for hours.
    const cut = Promise.allSettled(Array.from({ length: 20 }, () => store(one)));
    await one.kill();
    await cut;
    await one.sql(letPass(5));
    await store(two);
    await one.start();
    const current = () =>
      one.sql<{ behind: number }>(
        `select count(*)::int as behind from storage.usage_totals
          where changed_at < date_trunc('hour', now(), 'UTC') and shares > 0`,
      );
    await waitFor('its hours are closed', async () => (await current())[0]?.behind === 0 || undefined);
    await store(one);
    await one.sql(letPass(1));
    await Promise.all([store(one), store(two)]);

    const hours = await one.sql<{ hours: number }>(
      'select count(*)::int as hours from storage.usage_ledger group by account, server',
    );
    expect(hours).toEqual([{ hours: 10 }, { hours: 10 }]);
    expect(await one.sql(wrongHours)).toEqual([]);
    const [sum] = await one.sql<{ raw: string; kept: string }>(sums);
    expect(Number(sum?.raw)).toBeGreaterThan(0);
    expect(Number(sum?.kept)).toBe(Number(sum?.raw));
    expect(sum?.kept.replace(/\.?0+$/, '')).toBe(sum?.raw.replace(/\.?0+$/, ''));
  });
});

describe('a report of usage', () => {
  let records: TestRecords;
  const hour = (time: Date, more: number) =>
    new Date((Math.floor(time.getTime() / 3_600_000) + more) * 3_600_000);
  beforeAll(async () => {
    records = await testRecords();
  });
  afterAll(() => records?.[Symbol.asyncDispose]());

  /** An account with 1000 bytes at a server since the start of an hour, so many hours ago. */
  async function holder(name: string, server: number, hoursAgo: number): Promise<number> {
    const account = await records.account(name);
    await records.sql(
      `insert into storage.usage_totals (server, account, bytes, shares, changed_at)
       values ($1, $2, 1000, 1, date_trunc('hour', now(), 'UTC') - make_interval(hours => $3))`,
      [server, account, hoursAgo],
    );
    return account;
  }

  it('says what is in closed hours and what is not, also of a server that is away', async () => {
    const [up, away] = [await records.server('v0-up'), await records.server('v0-away')];
    const account = await holder('alice', up, 4);
    await records.sql(
      `insert into storage.usage_totals (server, account, bytes, shares, changed_at)
       select $1, account, 500, 2, changed_at from storage.usage_totals where account = $2`,
      [away, account],
    );
    expect(await closeHours(records.database, up)).toBe(1);
    expect(await closeHours(records.database, up)).toBe(0);
    const now = new Date();
    const period = { from: hour(now, -3), to: hour(now, -1), account: 'alice' };
    const [alice] = await usageReport(records.database, period);
    expect(alice).toMatchObject({ account: 'alice', byteHours: 3_000, bytes: 1_500, shares: 3 });
    expect(alice?.servers.map(({ nickname: _, ...usage }) => usage)).toEqual([
      {
        serverId: 'v0-away',
        byteSeconds: '3600000',
        openByteSeconds: '3600000',
        byteHours: 1_000,
        bytes: 500,
        shares: 2,
      },
      {
        serverId: 'v0-up',
        byteSeconds: '7200000',
        openByteSeconds: '0',
        byteHours: 2_000,
        bytes: 1_000,
        shares: 1,
      },
    ]);
    // Two halves make the whole.
    const halves = await Promise.all([
      usageReport(records.database, { ...period, to: hour(now, -2) }),
      usageReport(records.database, { ...period, from: hour(now, -2) }),
    ]);
    expect(halves.map(([half]) => half?.byteHours)).toEqual([1_500, 1_500]);
  });

  it('counts the hour under way up to now, and nothing of the future or of before', async () => {
    const server = await records.server('v0-now');
    await holder('bob', server, 0);
    const now = new Date();
    const soFar = async (from: number, to: number) =>
      (await usageReport(records.database, { from: hour(now, from), to: hour(now, to), account: 'bob' }))[0];
    const open = Number((await soFar(0, 1))?.byteSeconds);
    const [clock] = await records.sql<{ seconds: number }>(
      `select extract(epoch from now() - date_trunc('hour', now(), 'UTC'))::float8 as seconds`,
    );
    expect(open).toBeLessThanOrEqual(1000 * (clock?.seconds ?? 0));
    expect(open).toBeGreaterThan(1000 * ((clock?.seconds ?? 0) - 10));
    expect(Number((await soFar(-1000, 1000))?.openByteSeconds)).toBeGreaterThanOrEqual(open);
    expect(await soFar(-1000, 0)).toMatchObject({ byteHours: 0, bytes: 0, shares: 0 });
    expect(await soFar(1, 5)).toMatchObject({ byteHours: 0, bytes: 1000, shares: 1 });
  });

  it('is of all accounts, or of one that there is', async () => {
    const from = hour(new Date(), -1);
    const to = hour(new Date(), 1);
    const names = (await usageReport(records.database, { from, to })).map(({ account }) => account);
    expect(names).toEqual(['alice', 'anonymous', 'bob', 'starter']);
    expect(await usageReport(records.database, { from, to, account: 'starter' })).toEqual([
      {
        account: 'starter',
        byteSeconds: '0',
        openByteSeconds: '0',
        byteHours: 0,
        bytes: 0,
        shares: 0,
        servers: [],
      },
    ]);
    await expect(usageReport(records.database, { from, to, account: 'nobody' })).rejects.toMatchObject({
      code: 'no-such-account',
    });
  });
});
