import { setTimeout as delay } from 'node:timers/promises';
import type { ChkVerifyCapability } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import {
  failed,
  grid,
  impatient,
  minute,
  postponed,
  queueSteps,
  repaired,
  terms,
  unrecoverable,
} from '../testing/queue-steps.js';
import { contradicting, someVerifyCapability } from '../testing/test-queue.js';
import { addJobs } from './add-jobs.js';
import { listJobs } from './list-jobs.js';
import { retryJobs } from './retry-jobs.js';
import { wakeWaiting } from './sweep-queue.js';

const steps = queueSteps();
const { add, addFile, claim, claimed, end, stateOf, status, sweep } = steps;

describe('a job that fails', () => {
  it('is tried again after a pause, and in the end is failed, with its reason and history', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    expect(await end(await claimed(), failed)).toBe('queued');
    expect(await claim()).toBeUndefined();
    expect((await sweep()).readied).toBe(0);
    await steps.queue.sql("update repairer.jobs set not_before = now() - interval '1 second'");
    expect((await sweep()).readied).toBe(1);
    expect(await end(await claimed(), failed, impatient)).toBe('queued');
    await sweep();
    expect(await end(await claimed(), failed, impatient)).toBe('failed');
    const [job, ...others] = await listJobs(steps.queue.database, grid, 'failed', { limit: 10 });
    expect(others).toEqual([]);
    expect(job).toMatchObject({ attempts: 3, lastError: failed.error, source: 'test' });
    expect(job?.history.map(({ attempt, result }) => [attempt, result])).toEqual([
      [3, 'failed'],
      [2, 'failed'],
      [1, 'failed'],
    ]);
  });

  it('also fails where every worker that takes it is lost', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    for (let attempt = 1; attempt <= terms.attempts; attempt++) {
      await claimed('worker', 0);
      await delay(5);
      await sweep();
    }
    expect(await stateOf(file)).toBe('failed');
  });

  it('can be retried, by itself or with all others', async () => {
    const files = Array.from({ length: 3 }, someVerifyCapability);
    await add(...files.map((file) => ({ file })));
    for (const _file of files) await end(await claimed(), failed, { ...terms, attempts: 1 });
    const [one] = files;
    expect(await retryJobs(steps.queue.database, grid, one && [one.storageIndex])).toBe(1);
    expect(await claimed()).toMatchObject({ generation: 2, attempt: 1 });
    expect(await retryJobs(steps.queue.database, grid)).toBe(2);
    expect((await status()).jobs).toMatchObject({ queued: 2, failed: 0 });
  });

  it('is listed page by page', async () => {
    await add(...Array.from({ length: 5 }, () => ({ file: someVerifyCapability() })));
    for (let job = await claim(); job; job = await claim()) await end(job, failed, { ...terms, attempts: 1 });
    const pages: number[] = [];
    for (let after: Uint8Array | undefined; ; ) {
      const page = await listJobs(steps.queue.database, grid, 'failed', { limit: 2, after });
      if (page.length === 0) break;
      pages.push(page.length);
      after = page.at(-1)?.storageIndex;
    }
    expect(pages).toEqual([2, 2, 1]);
  });
});

/** Milliseconds until the one job may be claimed. */
const pause = async () =>
  (
    await steps.queue.sql<{ ms: number }>(
      'select (extract(epoch from not_before - now()) * 1000)::float8 as ms from repairer.jobs',
    )
  )[0]?.ms ?? 0;

describe('a file with too few shares', () => {
  it('waits, however often it is tried, and is looked at again after its time', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    for (let attempt = 1; attempt <= terms.attempts + 2; attempt++) {
      expect(await end(await claimed(), unrecoverable, impatient)).toBe('waiting');
      expect(await claim()).toBeUndefined();
      expect((await sweep()).readied).toBe(1);
    }
  });

  it('is looked at again when a server comes back, but not at once again', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    await end(await claimed(), unrecoverable);
    expect(await wakeWaiting(steps.queue.database, grid, minute)).toBe(1);
    expect((await sweep()).readied).toBe(0);
    await steps.queue.sql("update repairer.jobs set ended_at = ended_at - interval '2 minutes'");
    expect(await wakeWaiting(steps.queue.database, grid, minute)).toBe(1);
    expect(await wakeWaiting(steps.queue.database, grid, minute)).toBe(0);
    expect((await sweep()).readied).toBe(1);
    expect(await end(await claimed(), repaired)).toBe('done');
  });

  it('is looked at less often the longer it waits, up to a quarter of an hour, however often servers come back', async () => {
    await addFile(someVerifyCapability());
    await end(await claimed(), unrecoverable);
    const after: number[] = [];
    for (const waited of ['0 minutes', '1 hour', '2 days']) {
      await steps.queue.sql(
        `update repairer.jobs set queued_at = ended_at - interval '${waited}', not_before = now() + interval '1 day'`,
      );
      expect(await wakeWaiting(steps.queue.database, grid, minute)).toBe(1);
      after.push(Math.round((await pause()) / minute));
    }
    expect(after).toEqual([1, 4, 15]);
  });

  it('comes after files that are known to be about to get lost, as nobody knows how it is doing now', async () => {
    const lost = someVerifyCapability();
    await addFile(lost);
    await end(await claimed(), unrecoverable, impatient);
    const [endangered, well] = [someVerifyCapability(), someVerifyCapability()];
    await add({ file: well, spareShares: 5 }, { file: endangered, spareShares: 1 });
    await sweep();
    for (const { storageIndex } of [endangered, lost, well])
      expect(Buffer.compare((await claimed()).file.storageIndex, storageIndex)).toBe(0);
  });
});

describe('a job that is put off', () => {
  const addNow = (file: ChkVerifyCapability, now = true) =>
    addJobs(steps.queue.database, grid, { source: 'test', now }, [{ file }]);

  it('is looked at again after a while, however often, and that is no attempt', async () => {
    await addFile(someVerifyCapability());
    for (let look = 1; look <= terms.attempts + 2; look++) {
      const job = await claimed();
      expect(job).toMatchObject({ patient: true, attempt: 1 });
      expect(await end(job, postponed)).toBe('queued');
      expect(await claim()).toBeUndefined();
      expect(await status()).toMatchObject({ delayed: 0, postponed: 1, jobs: { queued: 1 } });
      await steps.queue.sql("update repairer.jobs set not_before = now() - interval '1 second'");
      expect((await sweep()).readied).toBe(1);
    }
    expect(await end(await claimed(), repaired)).toBe('done');
    expect((await status()).postponed).toBe(0);
  });

  it('is looked at less often the longer it waits, so that many cause no storm', async () => {
    await addFile(someVerifyCapability());
    const after: number[] = [];
    for (const waited of ['0 minutes', '1 hour', '2 days']) {
      await steps.queue.sql(
        `update repairer.jobs set queued_at = now() - interval '${waited}', not_before = null`,
      );
      const job = await claimed();
      await end(job, postponed);
      after.push(Math.round((await pause()) / minute));
    }
    expect(after).toEqual([1, 15, 60]);
  });

  it('tells how long it was waited for', async () => {
    await addFile(someVerifyCapability());
    await steps.queue.sql("update repairer.jobs set queued_at = now() - interval '1 hour'");
    expect((await claimed()).queuedFor).toBeGreaterThanOrEqual(60 * minute);
  });

  it('is looked at again when a server comes back', async () => {
    await addFile(someVerifyCapability());
    await end(await claimed(), postponed);
    expect(await wakeWaiting(steps.queue.database, grid, 10)).toBe(1);
    await delay(20);
    expect((await sweep()).readied).toBe(1);
  });

  it('is looked at no more often than its age calls for, however often servers come back', async () => {
    await addFile(someVerifyCapability());
    await steps.queue.sql("update repairer.jobs set queued_at = now() - interval '8 hours'");
    await end(await claimed(), postponed);
    expect(Math.round((await pause()) / minute)).toBe(60);
    expect(await wakeWaiting(steps.queue.database, grid, 10)).toBe(1);
    expect(Math.round((await pause()) / minute)).toBe(30);
    expect(await wakeWaiting(steps.queue.database, grid, 10)).toBe(0);
  });

  it('is put off no more when somebody wants it now', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    await end(await claimed(), postponed);
    expect(await addNow(file, false)).toEqual(['known']);
    expect(await claim()).toBeUndefined();
    expect(await addNow(file)).toEqual(['known']);
    expect(await addNow(file, false)).toEqual(['known']);
    expect((await claimed()).patient).toBe(false);
  });

  it('by turns under two capabilities rests like any other', async () => {
    const file = someVerifyCapability();
    await addFile(contradicting(file));
    await addFile(file);
    await end(await claimed(), postponed);
    expect(await claim()).toBeUndefined();
  });
});
