import { setTimeout as delay } from 'node:timers/promises';
import { base32Encode } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { grid, minute, queueSteps, repaired } from '../testing/queue-steps.js';
import { someVerifyCapability } from '../testing/test-queue.js';
import { extendClaim, giveBackClaim } from './claim-job.js';

const steps = queueSteps();
const { add, addFile, claim, claimed, end, status, sweep } = steps;

describe('a claim', () => {
  it('takes the file with the fewest spare shares first, and of like ones the oldest', async () => {
    const [first, second, urgent, well] = [1, 2, 3, 4].map(someVerifyCapability);
    if (!first || !second || !urgent || !well) throw new Error('never');
    await addFile(first);
    await addFile(second);
    await add({ file: well, spareShares: 7 }, { file: urgent, spareShares: 0 });
    const order: string[] = [];
    for (let job = await claim(); job; job = await claim()) order.push(base32Encode(job.file.storageIndex));
    expect(order).toEqual(
      [urgent, first, second, well].map(({ storageIndex }) => base32Encode(storageIndex)),
    );
  });

  it('is one worker’s, of twenty who claim at once, and none is left out', async () => {
    await add(...Array.from({ length: 300 }, () => ({ file: someVerifyCapability() })));
    const taken: string[] = [];
    const work = async (worker: string) => {
      for (let job = await claim(worker); job; job = await claim(worker)) {
        taken.push(base32Encode(job.file.storageIndex));
        await end(job, repaired);
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, number) => work(`worker ${number}`)));
    expect(taken).toHaveLength(300);
    expect(new Set(taken).size).toBe(300);
    expect((await status()).jobs).toEqual({ queued: 0, claimed: 0, waiting: 0, done: 300, failed: 0 });
  });

  it('is lost when it is not extended in time, and what its worker says later does not count', async () => {
    await addFile(someVerifyCapability());
    const slow = await claimed('slow', 1);
    await delay(10);
    expect(await sweep()).toEqual({ lost: 1, readied: 1 });
    const quick = await claimed('quick');
    expect(quick).toMatchObject({ generation: 1, attempt: 2, worker: 'quick' });
    expect(await extendClaim(steps.queue.database, grid, slow, minute)).toBe(false);
    expect(await end(slow, repaired)).toBeUndefined();
    await giveBackClaim(steps.queue.database, grid, slow);
    expect(await extendClaim(steps.queue.database, grid, quick, minute)).toBe(true);
    expect(await end(quick, repaired)).toBe('done');
    const results = await steps.queue.sql<{ result: string }>(
      'select result from repairer.job_history order by claim',
    );
    expect(results.map(({ result }) => result)).toEqual(['lost', 'repaired']);
  });

  it('is kept while it is extended', async () => {
    await addFile(someVerifyCapability());
    const job = await claimed('worker', 1);
    await extendClaim(steps.queue.database, grid, job, minute);
    await delay(10);
    expect(await sweep()).toEqual({ lost: 0, readied: 0 });
    expect(await end(job, repaired)).toBe('done');
  });

  it('that is given back is no attempt', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    await giveBackClaim(steps.queue.database, grid, await claimed());
    expect((await claimed()).attempt).toBe(1);
  });

  it('ends once, also where its end is told again because nobody knows', async () => {
    await addFile(someVerifyCapability());
    const job = await claimed();
    expect(await end(job, repaired)).toBe('done');
    expect(await end(job, repaired)).toBe('done');
    expect(await steps.queue.sql('select from repairer.job_history')).toHaveLength(1);
  });
});
