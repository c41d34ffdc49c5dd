import { randomBytes } from 'node:crypto';
import { blockedStatement, waitFor } from '@holdfast/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ShareRecords } from '../records/share-records.js';
import { type TestRecords, testRecords } from '../testing/test-records.js';
import { wrongTotals } from '../testing/totals.js';
import { CollectionRecords } from './collection-records.js';

let records: TestRecords;
beforeAll(async () => {
  records = await testRecords();
});
afterAll(() => records?.[Symbol.asyncDispose]());

it('a share that was coming again is forgotten where its last lease runs out while its upload is given up', async () => {
  const [server, account] = [await records.server(), await records.account('uploader')];
  const shares = new ShareRecords(records.database, server, 60_000);
  const share = { storageIndex: randomBytes(16), shareNumber: 0, size: 10, account };
  await shares.close(share);
  expect(await shares.promise([share])).toEqual([true]);
  await records.sql('update storage.leases set expires_at = now()');
  const client = await records.database.pool.connect();
  const [collector] = (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows;
  const generation = { requireCurrentIn: async () => undefined };
  let work: Promise<unknown> = Promise.resolve();
  await records.database.transaction(async (holder) => {
    // What the collector comes to last of what it locks.
    await holder.query('select from storage.usage_totals where account = $1 for update', [account]);
    const expiring = new CollectionRecords(client, server, generation).expire(100);
    await blockedStatement(holder);
    const forgetting = shares.forget(share);
    work = Promise.all([expiring, forgetting]);
    await waitFor('the share is given up, and waits for the collector', async () => {
      const { rows } = await holder.query(
        'select from pg_locks where not granted and $1 = any(pg_blocking_pids(pid))',
        [collector?.pid],
      );
      return rows.length > 0 || undefined;
    });
  });
  await work;
  client.release();
  expect(await records.sql('select state from storage.shares')).toEqual([]);
  expect(await records.sql('select from storage.leases')).toEqual([]);
  expect(await wrongTotals(records)).toEqual([]);
});
