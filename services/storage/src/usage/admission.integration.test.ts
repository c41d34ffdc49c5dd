import { blockedStatement } from '@holdfast/lab';
import type { ShareAddress } from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LeaseRecords } from '../records/lease-records.js';
import { ShareRecords } from '../records/share-records.js';
import { newIndex } from '../testing/new-shares.js';
import { type TestRecords, testRecords } from '../testing/test-records.js';
import { Admission } from './admission.js';
import { Quotas } from './quota.js';

let records: TestRecords;
let server: number;
let good: number;
let full: number;
beforeAll(async () => {
  records = await testRecords();
  server = await records.server();
  good = await records.account('good', 1_000_000);
  full = await records.account('full', 10);
});
afterAll(() => records?.[Symbol.asyncDispose]());

/** An admission that counts its transactions, and knows already that both accounts have a quota. */
async function openAdmission() {
  const { database } = records;
  const counted = { transactions: 0 };
  const quotas = new Quotas({
    ...database,
    transaction: (work) => {
      counted.transactions++;
      return database.transaction(work);
    },
  });
  const day = 86_400_000;
  const admission = new Admission(
    quotas,
    new ShareRecords(database, server, day),
    new LeaseRecords(database, server, day),
  );
  const promise = async (account: number, size: number) => {
    const share = { storageIndex: newIndex(), shareNumber: 0, size, account };
    const answer = await admission.promise([share], async () => []);
    return 'refused' in answer ? answer.refused.code : answer.promised[0];
  };
  const promiseBeside = (present: ShareAddress, account: number) =>
    admission.promise([{ ...present, shareNumber: present.shareNumber + 1, size: 1, account }], async () => [
      present,
    ]);
  expect(await promise(good, 1)).toBe(true);
  expect(await promise(full, 1_000)).toBe('quota-exceeded');
  counted.transactions = 0;
  return { promise, promiseBeside, counted };
}

describe('admission', () => {
  it('refuses together what cannot fit, however much is asked', async () => {
    const { promise, counted } = await openAdmission();
    const answers = await Promise.all(Array.from({ length: 100 }, () => promise(full, 1_000)));
    expect(answers).toEqual(Array(100).fill('quota-exceeded'));
    expect(counted.transactions).toBe(1);
    expect(await records.sql('select from storage.shares where uploader = $1', [full])).toEqual([]);
  });

  it('lets in what fits of what comes together with what cannot', async () => {
    const { promise } = await openAdmission();
    const sizes = Array.from({ length: 30 }, (_, turn) => (turn % 3 === 0 ? 2 : 1_000));
    const answers = await Promise.all(sizes.map((size) => promise(full, size)));
    expect(answers.filter((_, turn) => turn % 3 !== 0)).toEqual(Array(20).fill('quota-exceeded'));
    expect(answers.filter((answer) => answer === true)).toHaveLength(5);
  });

  it('locks no totals before the share that it leases, so that whoever has that one can change them', async () => {
    const { promiseBeside, counted } = await openAdmission();
    const share = { storageIndex: newIndex(), shareNumber: 0 };
    const shares = new ShareRecords(records.database, server, 86_400_000);
    await shares.close({ ...share, size: 1, account: 1 });
    let promising: ReturnType<typeof promiseBeside> | undefined;
    await records.database.transaction(async (client) => {
      await shares.lockWithin(client, [share]);
      promising = promiseBeside(share, good);
      await blockedStatement(client);
      await client.query('select from storage.usage_totals where account = $1 for update', [good]);
    });
    expect(await promising).toMatchObject({ promised: [true] });
    // Nothing was taken back, to be tried again.
    expect(counted.transactions).toBe(1);
  });

  it('lets no account wait for the requests of another', async () => {
    const { promise } = await openAdmission();
    const blocker = await records.database.pool.connect();
    let refused = 0;
    let refusals: Promise<void>[] = [];
    try {
      await blocker.query('begin');
      await blocker.query('select from storage.accounts where key = $1 for no key update', [full]);
      refusals = Array.from({ length: 1_000 }, async () => {
        await promise(full, 1_000);
        refused++;
      });
      expect(await promise(good, 1)).toBe(true);
      expect(refused).toBe(0);
    } finally {
      await blocker.query('rollback');
      blocker.release();
      await Promise.all(refusals);
    }
    expect(refused).toBe(1_000);
  });
});
