import { rm } from 'node:fs/promises';
import { verifyCapabilityOf } from '@holdfast/lafs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Coding } from './coding/coding.js';
import type { Grid } from './grid.js';
import { TransferMemory } from './memory/transfer-memory.js';
import { fiveServers } from './testing/five-servers.js';
import { type LabClient, openLabClient } from './testing/lab-client.js';
import type { ShareFile } from './testing/share-files.js';
import {
  expectSameShares,
  flipBlock,
  type StoredWithShares,
  storeWithShares,
} from './testing/stored-shares.js';

// Which shares a repair makes anew, how many at a time, and that they are what they were.

const encoding = { required: 3, happy: 3, total: 10, maximumSegmentSize: 32 * 1024 };
/** Many segments. */
const large = 1_000_000;

const five = fiveServers({ encoding });

const stored = (size: number, by: Grid = five.client.grid) => storeWithShares(five.lab, by, size);
const expectAllEqual = (file: StoredWithShares, but?: readonly string[]) =>
  expectSameShares(five.lab, file, but);

it('stays within its memory, and gives all of it back', async () => {
  const memory = new TransferMemory(24 * 2 ** 20);
  await using tight = await openLabClient(five.lab, { encoding, memory });
  const file = await stored(large, tight.grid);
  for (const { path } of file.shares.slice(0, 4)) await rm(path);
  expect(await tight.grid.repair(file.capability, { verify: true })).toMatchObject({ successful: true });
  expect([memory.receiving.taken, memory.opening.taken, memory.working.taken]).toEqual([0, 0, 0]);
  const few = new TransferMemory(1_000_000);
  await using tighter = await openLabClient(five.lab, { encoding, memory: few });
  await rm(file.shares[5]?.path ?? '');
  await expect(tighter.grid.repair(file.capability)).rejects.toMatchObject({ code: 'not-enough-memory' });
  expect([few.receiving.taken, few.opening.taken, few.working.taken]).toEqual([0, 0, 0]);
  expect(await tight.grid.repair(file.capability)).toMatchObject({ successful: true });
  await expectAllEqual(file);
});

it('makes fewer shares at a time where there is no memory for all of them', async () => {
  // Enough for two or three of four.
  const memory = new TransferMemory(2_600_000);
  await using tight = await openLabClient(five.lab, { encoding, memory });
  const made: (readonly number[] | undefined)[] = [];
  const file = await stored(large);
  for (const { path } of file.shares.slice(0, 4)) await rm(path);
  const results = await tight.gridWith(encoding, noting(tight, made)).repair(file.capability);
  expect(results).toMatchObject({ successful: true, sharesPlaced: { length: 4 } });
  expect(made.length).toBe(2);
  await expectAllEqual(file);
});

it('makes the shares that are lacking, and none whose root one that is there can tell', async () => {
  const file = await stored(large);
  const made: (readonly number[] | undefined)[] = [];
  const lost = [1, 2, 5, 9];
  let { shares } = file;
  // Where a server is too busy to tell in time, its share is made after all.
  for (let turn = 0; made.at(-1)?.join() !== lost.join() && turn < 10; turn++) {
    for (const { shareNumber, path } of shares) if (lost.includes(shareNumber)) await rm(path);
    const results = await five.client.gridWith(encoding, noting(five.client, made)).repair(file.capability);
    expect(results).toMatchObject({ successful: true, sharesPlaced: { length: 4 } });
    shares = await expectAllEqual(file);
  }
  expect(made.at(-1)).toEqual(lost);
});

/** Codes as that client does, and notes the shares that are made for each file. */
function noting({ coding }: LabClient, made: (readonly number[] | undefined)[]): Coding {
  return {
    decode: (...args) => coding.decode(...args),
    buffer: (size) => coding.buffer(size),
    encode: (geometry, key, shares) => {
      made.push(shares);
      return coding.encode(geometry, key, shares);
    },
  };
}

it('makes every share the same again from any k good ones, in any encoding', async () => {
  const damage = fc.constantFrom('lost', 'wrong', 'good', 'good');
  const cases = fc.integer({ min: 1, max: 12 }).chain((total) =>
    fc.record({
      total: fc.constant(total),
      required: fc.integer({ min: 1, max: total }),
      size: fc.oneof(fc.integer({ min: 56, max: 5_000 }), fc.integer({ min: 5_000, max: 200_000 })),
      damages: fc.array(damage, { minLength: total, maxLength: total }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(cases, async ({ total, required, size, damages }) => {
      const own = { required, happy: 1, total, maximumSegmentSize: 8 * 1024 };
      const grid = five.client.gridWith(own);
      const file = await stored(size, grid);
      const wrong: string[] = [];
      let good = 0;
      for (const [share, what] of damages.entries()) {
        const at = file.shares.find(({ shareNumber }) => shareNumber === share) as ShareFile;
        if (what === 'lost') await rm(at.path);
        else if (what === 'wrong') {
          await flipBlock(at);
          wrong.push(at.path);
        } else good++;
      }
      const repair = grid.repair(verifyCapabilityOf(file.capability), { verify: true });
      if (good < required) {
        await expect(repair).rejects.toMatchObject({ code: 'not-recoverable', found: good });
        return;
      }
      const results = await repair;
      expect(results.before.goodShareCount).toBe(good);
      expect(results.after).toMatchObject({ goodShareCount: total, healthy: true });
      await expectAllEqual(file, wrong);
    }),
    { numRuns: 40 },
  );
}, 120_000);
