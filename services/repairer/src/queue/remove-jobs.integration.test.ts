import { setTimeout as delay } from 'node:timers/promises';
import type { ChkVerifyCapability } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { failed, grid, queueSteps, repaired, terms, unrecoverable } from '../testing/queue-steps.js';
import { someVerifyCapability } from '../testing/test-queue.js';
import { mostAdded } from './add-jobs.js';
import { removeJobs } from './remove-jobs.js';
import { retryJobs } from './retry-jobs.js';

const steps = queueSteps();
const { add, addFile, blocked, claim, claimed, end, stateOf, sweep } = steps;

describe('a job that is removed', () => {
  const remove = (...files: ChkVerifyCapability[]) =>
    removeJobs(
      steps.queue.database,
      grid,
      files.map(({ storageIndex }) => storageIndex),
    );

  it('is not done, whether it was queued, waits or has failed, and nothing is remembered of it', async () => {
    const files = Array.from({ length: 3 }, someVerifyCapability);
    const [waits, fails] = files;
    for (const file of files) await addFile(file);
    await end(await claimed(), unrecoverable);
    await end(await claimed(), failed, { ...terms, attempts: 1 });
    expect([waits && (await stateOf(waits)), fails && (await stateOf(fails))]).toEqual(['waiting', 'failed']);
    expect(await remove(...files, someVerifyCapability())).toEqual([
      'removed',
      'removed',
      'removed',
      'absent',
    ]);
    expect(await claim()).toBeUndefined();
    expect(await steps.queue.sql('select from repairer.jobs')).toEqual([]);
    expect(await steps.queue.sql('select from repairer.job_history')).toEqual([]);
  });

  it('is not one that is worked on, nor one that was done', async () => {
    const [doing, done] = [someVerifyCapability(), someVerifyCapability()];
    await addFile(done);
    await end(await claimed(), repaired);
    await addFile(doing);
    const job = await claimed();
    expect(await remove(doing, done)).toEqual(['claimed', 'absent']);
    expect(await end(job, repaired)).toBe('done');
  });

  it('is not one that is just being claimed', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    const removing = await steps.queue.database.transaction(async (client) => {
      await client.query("update repairer.jobs set state = 'claimed'");
      const results = remove(file);
      await blocked(1);
      return { results };
    });
    expect(await removing.results).toEqual(['claimed']);
    expect(await stateOf(file)).toBe('claimed');
  });

  it('may be added, retried and removed by others in the same moment, and all come to an end', async () => {
    const files = Array.from({ length: mostAdded }, someVerifyCapability).sort((a, b) =>
      Buffer.compare(a.storageIndex, b.storageIndex),
    );
    const [low, high] = [files.slice(0, mostAdded / 2), files.slice(mostAdded / 2)];
    // As they lie in the table: those that are last by their storage indexes come first.
    for (const half of [high, low]) await add(...half.map((file) => ({ file })));
    await steps.queue.sql("update repairer.jobs set state = 'failed'");
    const storageIndexes = files.map(({ storageIndex }) => storageIndex);
    const { ended } = await steps.queue.database.transaction(async (client) => {
      await client.query('select from repairer.jobs where storage_index = $1 for update', [
        low.at(-1)?.storageIndex,
      ]);
      const adding = add(...files.map((file) => ({ file })));
      await blocked(1);
      const others = [
        retryJobs(steps.queue.database, grid, storageIndexes),
        remove(...files),
        remove(...files.toReversed()),
      ];
      await blocked(4);
      return { ended: Promise.allSettled([adding, ...others]) };
    });
    expect((await ended).filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(await steps.queue.sql('select from repairer.jobs')).toEqual([]);
  });

  it('and asked for again is another one: whoever was too slow with the first has lost it', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    const slow = await claimed('slow', 1);
    await delay(10);
    await sweep();
    expect(await remove(file)).toEqual(['removed']);
    expect(await addFile(file)).toEqual(['added']);
    const again = await claimed();
    expect(again).toMatchObject({ generation: 1, attempt: 1 });
    expect(await end(slow, repaired)).toBeUndefined();
    expect(await end(again, repaired)).toBe('done');
  });
});
