import { randomBytes } from 'node:crypto';
import { blockedStatement } from '@holdfast/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LeaseRecords } from '../records/lease-records.js';
import { type TestRecords, testRecords } from '../testing/test-records.js';
import { wrongTotals } from '../testing/totals.js';
import { leaseToStarter } from './lease-to-starter.js';

const minute = 60_000;

let records: TestRecords;
beforeAll(async () => {
  records = await testRecords();
});
afterAll(() => records?.[Symbol.asyncDispose]());

it('starter gets no lease on a share that somebody gets one on just then', async () => {
  const [server, account] = [await records.server(), await records.account('quicker')];
  const [taken, free] = [randomBytes(16), randomBytes(16)].map((storageIndex) => ({
    storageIndex,
    shareNumber: 0,
  })) as [{ storageIndex: Buffer; shareNumber: number }, { storageIndex: Buffer; shareNumber: number }];
  await records.sql(
    `insert into storage.shares (server, storage_index, share_number, state, size)
     select $1, storage_index, 0, 'stable', 10 from unnest($2::bytea[]) as storage_index`,
    [server, [taken.storageIndex, free.storageIndex]],
  );
  const leases = new LeaseRecords(records.database, server, minute);
  let leasing: Promise<number> = Promise.resolve(0);
  await records.database.transaction(async (client) => {
    await leases.beginWithin(client, [{ ...taken, account }]);
    leasing = records.database.transaction((other) => leaseToStarter(other, server, [taken, free], minute));
    await blockedStatement(client);
  });
  expect(await leasing).toBe(1);
  expect(
    await records.sql(
      'select storage_index, name from storage.leases join storage.accounts on key = account order by name',
    ),
  ).toEqual([
    { storage_index: taken.storageIndex, name: 'quicker' },
    { storage_index: free.storageIndex, name: 'starter' },
  ]);
  expect(await wrongTotals(records)).toEqual([]);
});
