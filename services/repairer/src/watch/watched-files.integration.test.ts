import { type ChkVerifyCapability, formatCapability } from '@holdfast/lafs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  contradicting,
  onlyStorageIndex,
  someVerifyCapability,
  type TestQueue,
  testQueue,
} from '../testing/test-queue.js';
import { RecordedServers } from './recorded-servers.js';
import { postponeCheck, recordCheckEnds, takeDueChecks } from './records/due-checks.js';
import { addUpCounts, watchedCounts } from './records/watched-counts.js';
import { nobody, unwatchFiles, watchFiles } from './records/watched-files.js';

const grid = 'test';
const minute = 60_000;
const servers = new RecordedServers([
  { serverId: 'v0-a', key: 1, leaving: false, state: 'active', everReached: true },
  { serverId: 'v0-b', key: 2, leaving: false, state: 'active', everReached: true },
]);
let queue: TestQueue;

beforeAll(async () => {
  queue = await testQueue();
});
afterAll(() => queue[Symbol.asyncDispose]());
beforeEach(async () => {
  await queue.sql('delete from repairer.watched');
  await queue.sql('truncate repairer.watched_for, repairer.watched_counts, repairer.watched_changes');
});

const watched = () => queue.sql('select from repairer.watched').then((rows) => rows.length);
const someFiles = (count: number) => Array.from({ length: count }, someVerifyCapability);
const add = (files: Parameters<typeof watchFiles>[3], account = nobody) =>
  watchFiles(queue.database, grid, account, files);
const take = (most: number, within = minute) =>
  takeDueChecks(queue.database.pool, grid, { most, within, servers });

describe('files under watch', () => {
  it('are known when they are added again, also at the same time by many', async () => {
    const files = someFiles(50);
    const results = await Promise.all(Array.from({ length: 4 }, () => add(files)));
    expect(results.flat().filter((result) => result === 'added')).toHaveLength(50);
    expect(await watched()).toBe(50);
  });

  it('take a capability for what was only a storage index', async () => {
    const file = someVerifyCapability();
    expect(await add([onlyStorageIndex(file)])).toEqual(['added']);
    expect(await add([file])).toEqual(['known']);
    expect((await take(1))[0]?.file).toMatchObject({ kind: 'CHK-Verifier', size: file.size });
  });

  it('take another capability while nothing proves the first, and no other one after it', async () => {
    const file = someVerifyCapability();
    const wrong = contradicting(file);
    expect(await add([wrong, file])).toEqual(['added', 'known']);
    const named = async () => formatCapability((await take(1, 0))[0]?.file as ChkVerifyCapability);
    expect(await named()).toBe(formatCapability(wrong));
    await end(wrong, -3);
    expect(await named()).toBe(formatCapability(file));
    await end(file, 7, 0, true);
    expect(await add([wrong])).toEqual(['contradicts']);
    expect(await named()).toBe(formatCapability(file));
  });

  it('stay as long as somebody has them in a manifest', async () => {
    const [one, two] = someFiles(2) as [
      ReturnType<typeof someVerifyCapability>,
      ReturnType<typeof someVerifyCapability>,
    ];
    await add([one, two], 'alice');
    expect(await add([one], 'bob')).toEqual(['added']);
    expect(await unwatchFiles(queue.database, grid, 'alice')).toBe(2);
    expect(await watched()).toBe(1);
    expect(await unwatchFiles(queue.database, grid, 'bob', [two.storageIndex])).toBe(0);
    expect(await unwatchFiles(queue.database, grid, 'bob', [one.storageIndex])).toBe(1);
    expect(await watched()).toBe(0);
  });

  it('are counted by their spare shares without being looked through', async () => {
    const files = someFiles(5);
    await add(files);
    await end(files[0], 2);
    await end(files[1], 2);
    await end(files[1], 3);
    await addUpCounts(queue.database.pool, grid);
    await unwatchFiles(queue.database, grid, nobody, [files[0]?.storageIndex as Uint8Array]);
    await addUpCounts(queue.database.pool, grid);
    expect(await watchedCounts(queue.database.pool, grid)).toEqual([
      { spare: undefined, files: 3 },
      { spare: 3, files: 1 },
    ]);
  });
});

async function end(
  file: ChkVerifyCapability | undefined,
  spare: number,
  nextCheckIn = 0,
  proven = false,
): Promise<void> {
  if (!file) throw new Error('never');
  const shares = [
    { shareNumber: 0, serverId: 'v0-a' },
    { shareNumber: 1, serverId: 'v0-b' },
  ];
  const health = { needed: 3, expected: 10, readable: 3 + spare, lasting: 3 + spare, servers: 2 };
  const check = {
    file,
    proven,
    record: { shares, health },
    nextCheckIn,
    worthwhile: false,
  };
  await recordCheckEnds(queue.database.pool, grid, [check], { servers, restAfterRepair: minute });
}

describe('checks that are due', () => {
  it('are taken by one worker each', async () => {
    await add(someFiles(100));
    const taken = await Promise.all(Array.from({ length: 4 }, () => take(40)));
    const indexes = taken.flat().map(({ file }) => Buffer.from(file.storageIndex).toString('hex'));
    expect(new Set(indexes).size).toBe(indexes.length);
    expect(await take(100)).toHaveLength(100 - indexes.length);
    expect(await take(1)).toEqual([]);
  });

  it('come back with what was on record', async () => {
    const file = someVerifyCapability();
    await add([file]);
    expect(await take(1)).toMatchObject([{ isFirst: true, shares: [], needed: undefined }]);
    await end(file, 7);
    expect(await take(1)).toMatchObject([
      {
        isFirst: false,
        needed: 3,
        expected: 10,
        shares: [
          { shareNumber: 0, serverId: 'v0-a' },
          { shareNumber: 1, serverId: 'v0-b' },
        ],
      },
    ]);
  });

  it('are due again when their worker was lost, and later where they came to nothing', async () => {
    const file = someVerifyCapability();
    await add([file]);
    expect(await take(1, 0)).toHaveLength(1);
    expect(await take(1)).toHaveLength(1);
    await postponeCheck(queue.database.pool, grid, file.storageIndex, minute);
    expect(await take(1)).toHaveLength(0);
  });

  it('do not wait behind a long list of new files, nor these behind them', async () => {
    const old = someFiles(40);
    await add(old);
    for (const file of old) await end(file, 7);
    await add(someFiles(40));
    const taken = await take(20);
    expect(taken.filter(({ isFirst }) => !isFirst)).toHaveLength(15);
    expect(taken.filter(({ isFirst }) => isFirst)).toHaveLength(5);
  });
});
