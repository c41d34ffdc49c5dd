import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '@holdfast/common/logging';
import { waitFor } from '@holdfast/lab';
import { base32Encode } from '@holdfast/lafs';
import { expect, it } from 'vitest';
import { addJobs } from '../queue/add-jobs.js';
import { someVerifyCapability, testQueue } from '../testing/test-queue.js';
import { Worker } from './worker.js';

const grid = 'test';
const retry = { attempts: 1, firstPause: 0, longestPause: 0, unrecoverablePause: 0, postponedPause: 0 };
const settings = { grid, name: 'worker', logger: silentLogger(), jobs: 1, claimFor: 60_000, retry };

it('a worker takes no job when a pause began while it waited to be woken', async () => {
  await using queue = await testQueue();
  const { database, claims } = queue;
  const pause = { reason: undefined as string | undefined, lookAgainAfter: 20 };
  let [woken, attempts] = [0, 0];
  const worker = new Worker({
    ...settings,
    ...{ claims, sweepEvery: 20 },
    wakeUps: {
      next: async () => {
        // The first time it takes only what is there already.
        if (woken++ === 1) {
          await addJobs(database, grid, { source: 'test' }, [{ file: someVerifyCapability() }]);
          pause.reason = 'quiet hours';
        }
        await delay(20);
        return undefined;
      },
    },
    pauses: [pause],
    attempt: async () => {
      attempts++;
      expect(pause.reason).toBeUndefined();
      return { result: 'healthy' };
    },
    onEnd: () => undefined,
  });
  worker.start();
  try {
    await waitFor('the wake-up', () => pause.reason);
    await delay(500);
    expect(attempts).toBe(0);
    pause.reason = undefined;
    await waitFor('the job', () => attempts > 0 || undefined);
  } finally {
    await worker.stop();
  }
});

it('a slot begins its next job while it is written down how the last one ended, and no third', async () => {
  await using queue = await testQueue();
  const { database, claims } = queue;
  await addJobs(
    database,
    grid,
    { source: 'test' },
    Array.from({ length: 4 }, () => ({ file: someVerifyCapability() })),
  );
  const attempted: string[] = [];
  const ended: string[] = [];
  const holder = await database.pool.connect();
  await holder.query('begin');
  const worker = new Worker({
    ...settings,
    ...{ claims, sweepEvery: 60_000, pauses: [] },
    wakeUps: { next: async () => undefined },
    attempt: async ({ file }) => {
      attempted.push(base32Encode(file.storageIndex));
      // Whoever writes down how the first one ended waits for this.
      if (attempted.length === 1)
        await holder.query('select from repairer.jobs where storage_index = $1 for update', [
          file.storageIndex,
        ]);
      return { result: 'healthy' };
    },
    onEnd: ({ job }) => ended.push(base32Encode(job.file.storageIndex)),
  });
  worker.start();
  try {
    await waitFor('the second job', () => attempted.length === 2 || undefined);
    await delay(300);
    expect(attempted).toHaveLength(2);
    expect(ended).toEqual([]);
    expect(worker.working).toBe(0);
    await holder.query('commit');
    await waitFor('all are ended', () => ended.length === 4 || undefined);
    expect(ended).toEqual(attempted);
  } finally {
    holder.release();
    await worker.stop();
  }
});

it('a slot looks once more where the message that it took meanwhile tells of a job that it did not find', async () => {
  await using queue = await testQueue();
  const { database, claims } = queue;
  let [asked, acknowledged, attempts] = [0, 0, 0];
  const worker = new Worker({
    ...settings,
    ...{ claims, sweepEvery: 60_000, pauses: [] },
    wakeUps: {
      next: async (waitFor, signal) => {
        if (asked++ > 0) {
          await delay(waitFor, undefined, { signal }).catch(() => undefined);
          return undefined;
        }
        // Longer than the look at the queue that goes on meanwhile.
        await delay(300);
        await addJobs(database, grid, { source: 'test' }, [{ file: someVerifyCapability() }]);
        return { acknowledge: () => void acknowledged++, hold: () => undefined };
      },
    },
    attempt: async () => {
      attempts++;
      return { result: 'healthy' };
    },
    onEnd: () => undefined,
  });
  worker.start();
  try {
    await waitFor('the job', () => attempts > 0 || undefined, { timeoutMs: 10_000 });
    await waitFor('the acknowledgement', () => acknowledged === 1 || undefined);
  } finally {
    await worker.stop();
  }
});
