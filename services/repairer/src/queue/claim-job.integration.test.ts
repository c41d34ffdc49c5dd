import { setTimeout as delay } from 'node:timers/promises';
import { base32Encode } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { failed, grid, minute, queueSteps, repaired, terms as retryTerms } from '../testing/queue-steps.js';
import { someVerifyCapability } from '../testing/test-queue.js';
import { claimJobs, extendClaim, giveBackClaim } from './claim-job.js';
import { endClaims } from './end-claim.js';

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

  it('is of as many jobs as are wanted, the most urgent ones, and their ends are told together', async () => {
    const files = Array.from({ length: 6 }, someVerifyCapability);
    await add(...files.map((file, index) => ({ file, spareShares: index })));
    const terms = { worker: 'worker', claimFor: minute };
    const jobs = await claimJobs(steps.queue.database, grid, terms, 4);
    const names = (them: readonly { storageIndex: Uint8Array }[]) =>
      them.map(({ storageIndex }) => base32Encode(storageIndex)).sort();
    expect(names(jobs.map(({ file }) => file))).toEqual(names(files.slice(0, 4)));
    const [healthy, again, lost, unfinished] = jobs;
    if (!healthy || !again || !lost || !unfinished) throw new Error('never');
    expect(await end(again, repaired)).toBe('done');
    const ends = [
      { job: healthy, end: { result: 'healthy' as const } },
      // Nobody knew whether it was told.
      { job: again, end: repaired },
      { job: { ...lost, claim: lost.claim - 1 }, end: repaired },
      { job: unfinished, end: failed },
    ];
    expect(await endClaims(steps.queue.database, grid, ends, retryTerms)).toEqual([
      'done',
      'done',
      undefined,
      'queued',
    ]);
    expect((await status()).jobs).toEqual({ queued: 3, claimed: 1, waiting: 0, done: 2, failed: 0 });
    expect(await steps.queue.sql('select from repairer.job_history')).toHaveLength(3);
    expect(await claimJobs(steps.queue.database, grid, terms, 10)).toHaveLength(2);
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

  it('ends once, also where its end is told again while it is still being written down the first time', async () => {
    await addFile(someVerifyCapability());
    const job = await claimed();
    let told: Promise<unknown[]> | undefined;
    await steps.queue.database.transaction(async (client) => {
      await client.query('select from repairer.jobs for update');
      told = Promise.all([end(job, repaired), end(job, repaired)]);
      await steps.blocked(2);
    });
    expect(await told).toEqual(['done', 'done']);
    expect(await steps.queue.sql('select from repairer.job_history')).toHaveLength(1);
  });
});
