import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  failed,
  grid,
  impatient,
  minute,
  queueSteps,
  repaired,
  terms,
  unrecoverable,
} from '../testing/queue-steps.js';
import { someVerifyCapability } from '../testing/test-queue.js';
import { claimJobs } from './claim-job.js';
import { listJobs } from './list-jobs.js';
import { forgetOld } from './sweep-queue.js';

const steps = queueSteps();
const { add, addFile, claimed, end, status, sweep } = steps;

describe('what the queue keeps', () => {
  it('is counted by state, by spare shares and by what was done lately', async () => {
    await add(...Array.from({ length: 6 }, () => ({ file: someVerifyCapability() })));
    await end(await claimed(), repaired);
    await end(await claimed(), { ...repaired, result: 'healthy' });
    await end(await claimed(), failed);
    await end(await claimed(), unrecoverable);
    await claimed();
    const { recent, ...counts } = await status();
    expect(counts).toEqual({
      jobs: { queued: 2, claimed: 1, waiting: 1, done: 2, failed: 0 },
      delayed: 1,
      postponed: 0,
      spareShares: [{ spare: -1, files: 1 }],
      lastMinute: { repaired: 1, healthy: 1, failed: 1, unrecoverable: 1 },
    });
    expect(recent.map(({ result }) => result)).toEqual(['unrecoverable', 'failed', 'healthy', 'repaired']);
  });

  it('does not grow with the attempts at a job', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    for (let attempt = 1; attempt <= 25; attempt++) {
      await end(await claimed(), unrecoverable, impatient);
      await sweep();
    }
    const attempts = await steps.queue.sql<{ claim: number }>(
      'select claim from repairer.job_history order by claim',
    );
    const first = attempts[0]?.claim ?? 0;
    expect(attempts.map(({ claim }) => claim)).toEqual(
      Array.from({ length: 20 }, (_, index) => first + index),
    );
    expect((await listJobs(steps.queue.database, grid, 'queued', { limit: 1 }))[0]?.history[0]?.attempt).toBe(
      25,
    );
  });

  it('is forgotten in the end, but for what is still to be done', async () => {
    await add(...Array.from({ length: 4 }, () => ({ file: someVerifyCapability() })));
    await end(await claimed(), repaired);
    await end(await claimed(), failed, { ...terms, attempts: 1 });
    await end(await claimed(), unrecoverable);
    await forgetOld(steps.queue.database, grid, minute);
    expect(await steps.queue.sql('select from repairer.job_history')).toHaveLength(3);
    await delay(5);
    await forgetOld(steps.queue.database, grid, 1);
    expect((await status()).jobs).toEqual({ queued: 1, claimed: 0, waiting: 1, done: 0, failed: 1 });
    expect(await steps.queue.sql('select from repairer.job_history')).toHaveLength(0);
  });

  it('is the grid’s own', async () => {
    await addFile(someVerifyCapability());
    expect(await claimJobs(steps.queue.database, 'other', { worker: 'worker', claimFor: minute }, 1)).toEqual(
      [],
    );
  });
});
