import { silentLogger } from '@holdfast/common/logging';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { madeIndex } from '../testing/made-shares.js';
import { type TestRecords, testRecords } from '../testing/test-records.js';
import { DamageRecords } from './damage-records.js';
import { DamagedShares } from './damaged-shares.js';

/** Counts how often all records are read. */
class CountingRecords extends DamageRecords {
  lists = 0;
  override list() {
    this.lists++;
    return super.list();
  }
}

let test: TestRecords;
beforeAll(async () => {
  test = await testRecords();
});
afterAll(() => test?.[Symbol.asyncDispose]());

it('a disk that lost thousands of shares has them recorded together, and read again only where they changed', async () => {
  const records = new CountingRecords(test.database, await test.server());
  const damaged = new DamagedShares(silentLogger(), 100);
  const close = await damaged.open(records);
  const shares = Array.from({ length: 3_000 }, (_, index) => ({
    storageIndex: madeIndex(index),
    shareNumber: 0,
  }));
  const recorded = async () => (await test.sql('select from storage.damaged_shares')).length;
  const begun = performance.now();
  for (const [index, share] of shares.entries()) {
    damaged.add(share, 'walk', 'the file cannot be read: EIO');
    // As a walk finds them: others have their turn in between.
    if (index % 10 === 0) await new Promise(setImmediate);
  }
  await expect.poll(recorded).toBe(3_000);
  const looks = Math.ceil((performance.now() - begun) / 100) + 1;
  expect(records.lists).toBeLessThanOrEqual(looks);

  // Two looks later all is read, and stays.
  await expect
    .poll(async () => {
      const before = records.lists;
      await new Promise((resolve) => setTimeout(resolve, 350));
      return records.lists - before;
    })
    .toBe(0);
  expect(damaged.count).toBe(3_000);

  await records.release(shares[7]!, 60_000);
  await expect.poll(() => damaged.has(shares[7]!)).toBe(false);
  expect(damaged.count).toBe(2_999);

  // Found and released between two looks: the records are then as they were.
  damaged.add(shares[7]!, 'read', 'the file cannot be read: EIO');
  await expect
    .poll(async () => (await records.release(shares[7]!, 60_000)) === 1, { interval: 5 })
    .toBe(true);
  await expect.poll(() => damaged.has(shares[7]!)).toBe(false);
  await close();
});
