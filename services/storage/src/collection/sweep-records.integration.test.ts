import { randomBytes } from 'node:crypto';
import { blockedStatement } from '@holdfast/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestRecords, testRecords } from '../testing/test-records.js';
import { wrongTotals } from '../testing/totals.js';
import { SweepRecords } from './sweep-records.js';

let records: TestRecords;
beforeAll(async () => {
  records = await testRecords();
});
afterAll(() => records?.[Symbol.asyncDispose]());

/** Records shares of all kinds, by turns; gives the indexes of those that should get a lease. */
async function record(server: number, count: number): Promise<Buffer[]> {
  const [one, two] = [await records.account(`one of ${server}`), await records.account(`two of ${server}`)];
  const unleased: Buffer[] = [];
  for (let n = 0; n < count; n++) {
    const storageIndex = randomBytes(16);
    const kind = n % 7;
    await records.sql(
      `insert into storage.shares (server, storage_index, share_number, state, size) values ($1, $2, $3, $4, 10)`,
      [server, storageIndex, n % 3, kind === 5 ? 'coming' : kind === 6 ? 'going' : 'stable'],
    );
    for (const account of kind === 0 ? [one] : kind === 1 ? [one, two] : []) {
      await records.sql(
        `insert into storage.leases (server, storage_index, share_number, account, renewed_at, expires_at)
         values ($1, $2, $3, $4, now(), now())`,
        [server, storageIndex, n % 3, account],
      );
    }
    if (kind === 2 || kind === 3) {
      await records.sql(
        `insert into storage.damaged_shares (server, storage_index, share_number, found_by, problem, part)
         values ($1, $2, $3, 'scrub', 'test', $4)`,
        [server, storageIndex, n % 3, kind === 2 ? 'container' : 'content'],
      );
    }
    if (kind === 3 || kind === 4) unleased.push(storageIndex);
  }
  await records.sql(
    `insert into storage.usage_totals (server, account, bytes, shares)
     select server, account, 10 * count(*), count(*) from storage.leases where server = $1 group by server, account`,
    [server],
  );
  return unleased;
}

it('a look at all shares, page by page, leases those that are stable, unleased and have a whole container', async () => {
  const server = await records.server();
  const other = await records.server('v0-other');
  const unleased = await record(server, 70);
  await record(other, 14);
  const client = await records.database.pool.connect();
  const sweep = new SweepRecords(client, server);
  let [pages, leased] = [0, 0];
  for (let page = await sweep.leaseNext(undefined, 9, 1_000); page.last; pages++) {
    leased += page.leased;
    page = await sweep.leaseNext(page.last, 9, 1_000);
  }
  const settings = await client.query<{ enable_seqscan: string }>('show enable_seqscan');
  client.release();
  expect(settings.rows).toEqual([{ enable_seqscan: 'on' }]);
  expect([pages, leased]).toEqual([8, unleased.length]);
  const given = await records.sql<{ server: number; storage_index: Buffer }>(
    `select server, storage_index from storage.leases join storage.accounts on key = account where name = 'starter'`,
  );
  const hex = (indexes: readonly Buffer[]) => indexes.map((index) => index.toString('hex')).sort();
  expect(hex(given.map(({ storage_index }) => storage_index))).toEqual(hex(unleased));
  expect(new Set(given.map((row) => row.server))).toEqual(new Set([server]));
  expect(await wrongTotals(records)).toEqual([]);
});

it('lets nobody else at the shares that it leases until they are leased', async () => {
  const server = await records.server('v0-held');
  await records.sql(
    `insert into storage.shares (server, storage_index, share_number, state, size) values ($1, $2, 0, 'stable', 10)`,
    [server, randomBytes(16)],
  );
  await records.sql(
    `insert into storage.usage_totals (server, account) select $1, key from storage.accounts where name = 'starter'`,
    [server],
  );
  const client = await records.database.pool.connect();
  const sweep = new SweepRecords(client, server);
  let leasing: ReturnType<SweepRecords['leaseNext']> | undefined;
  await records.database.transaction(async (holder) => {
    await holder.query('select from storage.usage_totals where server = $1 for update', [server]);
    leasing = sweep.leaseNext(undefined, 10, 1_000).finally(() => client.release());
    await blockedStatement(holder);
    const free = 'select from storage.shares where server = $1 for share skip locked';
    expect(await records.sql(free, [server])).toEqual([]);
  });
  expect((await leasing)?.leased).toBe(1);
});

it('is due once a day', async () => {
  const server = await records.server('v0-daily');
  const client = await records.database.pool.connect();
  const sweep = new SweepRecords(client, server);
  expect(await sweep.isDue()).toBe(true);
  await sweep.done();
  expect(await sweep.isDue()).toBe(false);
  client.release();
});
