import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '@holdfast/common/logging';
import { waitFor } from '@holdfast/lab';
import { expect, it } from 'vitest';
import { addJobs } from '../queue/add-jobs.js';
import { someVerifyCapability, testQueue } from '../testing/test-queue.js';
import { Worker } from './worker.js';

it('a worker takes no job when a pause began while it waited to be woken', async () => {
  await using queue = await testQueue();
  const { database } = queue;
  const grid = 'test';
  const pause = { reason: undefined as string | undefined, lookAgainAfter: 20 };
  let [woken, attempts] = [0, 0];
  const worker = new Worker({
    ...{ database, grid, name: 'worker', logger: silentLogger(), jobs: 1, claimFor: 60_000, sweepEvery: 20 },
    wakeUps: {
      next: async () => {
        if (woken++ === 0) {
          await addJobs(database, grid, { source: 'test' }, [{ file: someVerifyCapability() }]);
          pause.reason = 'quiet hours';
        }
        await delay(20);
        return undefined;
      },
    },
    retry: { attempts: 1, firstPause: 0, longestPause: 0, unrecoverablePause: 0, postponedPause: 0 },
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
