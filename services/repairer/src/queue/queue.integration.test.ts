import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '@holdfast/lab';
import { base32Encode, type ChkVerifyCapability, formatCapability } from '@holdfast/lafs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  contradicting,
  onlyStorageIndex,
  someVerifyCapability,
  type TestQueue,
  testQueue,
} from '../testing/test-queue.js';
import { addJobs, type JobRequest, mostAdded } from './add-jobs.js';
import { claimJob, extendClaim, giveBackClaim } from './claim-job.js';
import { type AttemptEnd, endClaim, type RetryTerms } from './end-claim.js';
import type { ClaimedJob, JobOutcome } from './job.js';
import { listJobs } from './list-jobs.js';
import { queueStatus } from './queue-status.js';
import { removeJobs } from './remove-jobs.js';
import { retryJobs } from './retry-jobs.js';
import { forgetOld, sweepQueue, wakeWaiting } from './sweep-queue.js';

const grid = 'test';
const minute = 60_000;
const terms: RetryTerms = {
  attempts: 3,
  firstPause: minute,
  longestPause: 60 * minute,
  unrecoverablePause: 60 * minute,
  postponedPause: minute,
};
const impatient: RetryTerms = { ...terms, firstPause: 0, unrecoverablePause: 0 };
const outcome: JobOutcome = {
  authenticated: true,
  needed: 3,
  expected: 10,
  goodSharesBefore: 6,
  goodSharesAfter: 10,
  corruptShares: 0,
  sharesPlaced: 4,
  bytesRead: 1,
  bytesWritten: 1,
};
const repaired: AttemptEnd = { result: 'repaired', outcome, spareShares: 7 };
const proven: AttemptEnd = { ...repaired, proven: true };
const failed: AttemptEnd = { result: 'failed', error: 'no server took a share' };
const postponed: AttemptEnd = { result: 'postponed', error: '1 known server', spareShares: 5 };
const unrecoverable: AttemptEnd = { result: 'unrecoverable', error: '2 of 3 shares', spareShares: -1 };

let queue: TestQueue;
beforeEach(async () => {
  queue = await testQueue();
});
afterEach(() => queue[Symbol.asyncDispose]());

const add = (...requests: JobRequest[]) => addJobs(queue.database, grid, { source: 'test' }, requests);
const addFile = (file: ChkVerifyCapability) => add({ file });
const claim = (worker = 'worker', claimFor = minute) => claimJob(queue.database, grid, { worker, claimFor });
const end = (job: ClaimedJob, how: AttemptEnd, retry = terms) =>
  endClaim(queue.database, grid, job, how, retry);
const sweep = () => sweepQueue(queue.database, grid, terms.attempts);
const status = () => queueStatus(queue.database, grid, 10);
const stateOf = async ({ storageIndex }: { storageIndex: Uint8Array }) =>
  (
    await queue.sql<{ state: string }>('select state from repairer.jobs where storage_index = $1', [
      storageIndex,
    ])
  )[0]?.state;

const capabilityOf = ({ file }: ClaimedJob) =>
  file.kind === 'storage-index' ? undefined : formatCapability(file);

/** Resolves when so many statements wait for the locks of others. */
const blocked = (statements: number) =>
  waitFor(`${statements} wait for a lock`, async () => {
    const waiting = await queue.sql(
      "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    return waiting.length === statements || undefined;
  });

async function claimed(worker?: string, claimFor?: number): Promise<ClaimedJob> {
  const job = await claim(worker, claimFor);
  if (!job) throw new Error('there was no job');
  return job;
}

describe('asking for a file', () => {
  it('makes one job, however often and under whichever of its names', async () => {
    const file = someVerifyCapability();
    const both = [{ file: onlyStorageIndex(file) }, { file }];
    expect(await add(...both, ...both)).toEqual(['added', 'known', 'known', 'known']);
    expect(await add(...both)).toEqual(['known', 'known']);
    await claimed();
    expect(await addFile(file)).toEqual(['known']);
    expect(await claim()).toBeUndefined();
  });

  it('by its verify capability replaces a bare storage index, and not the other way round', async () => {
    const file = someVerifyCapability();
    await add({ file: onlyStorageIndex(file) });
    await addFile(file);
    await add({ file: onlyStorageIndex(file) });
    const { file: named } = await claimed();
    expect(named.kind !== 'storage-index' && formatCapability(named)).toBe(formatCapability(file));
  });

  it('by its storage index alone is done without anything to prove it', async () => {
    const file = someVerifyCapability();
    await add({ file: onlyStorageIndex(file) });
    expect(await end(await claimed(), repaired)).toBe('done');
    expect(await addFile(file)).toEqual(['added']);
  });

  it('queues a job that was done under a new generation', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    const first = await claimed();
    await end(first, repaired);
    expect(await stateOf(file)).toBe('done');
    expect(await addFile(file)).toEqual(['added']);
    const second = await claimed();
    expect([first.generation, second.generation]).toEqual([1, 2]);
    expect(second.attempt).toBe(1);
  });

  it('leaves a job as it ended where that is new enough', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    const [{ now } = { now: new Date() }] = await queue.sql<{ now: Date }>('select now()');
    const addUnlessEnded = () =>
      addJobs(queue.database, grid, { source: 'test', unlessEndedSince: now }, [{ file }]);
    expect(await addUnlessEnded()).toEqual(['known']);
    await end(await claimed(), repaired);
    expect(await addUnlessEnded()).toEqual(['known']);
    expect(await stateOf(file)).toBe('done');
    await queue.sql("update repairer.jobs set ended_at = ended_at - interval '1 hour'");
    expect(await addUnlessEnded()).toEqual(['added']);
  });

  it('for nothing new writes nothing', async () => {
    const proof = someVerifyCapability();
    await addFile(proof);
    await end(await claimed(), proven);
    const files = [proof, ...Array.from({ length: 4 }, someVerifyCapability)];
    await add(...files.map((file) => ({ file })));
    await claimed();
    await end(await claimed(), postponed);
    const versions = () => queue.sql('select storage_index, xmin, ctid from repairer.jobs order by 1');
    const before = await versions();
    const again = [...files, contradicting(proof)].map((file) => ({ file }));
    expect(await add(...again)).toEqual([...Array(5).fill('known'), 'contradicts']);
    expect(await add(...files.map((file) => ({ file: onlyStorageIndex(file) })))).toEqual(
      Array(5).fill('known'),
    );
    expect(await versions()).toEqual(before);
  });

  it('under another capability than that which the shares were proven by is refused', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    await end(await claimed(), proven);
    const other = { file: contradicting(file) };
    expect(await add(other, { file: onlyStorageIndex(file) })).toEqual(['contradicts', 'added']);
    expect(capabilityOf(await claimed())).toBe(formatCapability(file));
  });

  it('under a capability that nothing has proven keeps nobody from naming another', async () => {
    const file = someVerifyCapability();
    await addFile(contradicting(file));
    await end(await claimed(), { ...repaired, result: 'healthy' });
    expect(await addFile(file)).toEqual(['added']);
  });

  it.each([unrecoverable, { ...repaired, result: 'healthy' as const }])(
    'under two capabilities tries the second where the first proves nothing: $result',
    async (withoutProof) => {
      const file = someVerifyCapability();
      const wrong = contradicting(file);
      expect(await add({ file: wrong }, { file })).toEqual(['added', 'known']);
      expect(await addFile(contradicting(file))).toEqual(['known']);
      expect(await addFile(file)).toEqual(['known']);
      const first = await claimed();
      expect(capabilityOf(first)).toBe(formatCapability(wrong));
      expect(await end(first, withoutProof)).toBe('queued');
      const second = await claimed();
      expect(capabilityOf(second)).toBe(formatCapability(file));
      expect(await end(second, proven)).toBe('done');
      expect(await addFile(wrong)).toEqual(['contradicts']);
    },
  );

  it('under two capabilities of which none is right does not try them by turns for ever', async () => {
    const file = someVerifyCapability();
    await addFile(contradicting(file));
    await addFile(file);
    for (let attempt = 1; attempt < terms.attempts; attempt++)
      expect(await end(await claimed(), unrecoverable)).toBe('queued');
    expect(await end(await claimed(), unrecoverable)).toBe('waiting');
  });

  it('is no longer refused when what was proven once cannot be read any more', async () => {
    const file = someVerifyCapability();
    await addFile(contradicting(file));
    await end(await claimed(), proven);
    await add({ file: onlyStorageIndex(file) });
    await end(await claimed(), unrecoverable);
    expect(await addFile(file)).toEqual(['added']);
    expect(await end(await claimed(), unrecoverable)).toBe('queued');
    expect(capabilityOf(await claimed())).toBe(formatCapability(file));
  });

  it.each([
    ['every byte', { verify: true }, {}],
    ['its capability', { named: true }, {}],
    ['a repair in any case', {}, { onlyIfWorthwhile: true }],
    ['a repair at once', { now: true }, {}],
  ])(
    'for more while it is worked on is seen to after that: %s',
    async (_, {
      named,
      verify = false,
      now = false,
    }: { named?: boolean; verify?: boolean; now?: boolean }, first) => {
      const file = someVerifyCapability();
      await addJobs(queue.database, grid, { source: 'first', ...first }, [{ file: onlyStorageIndex(file) }]);
      const job = await claimed();
      await addJobs(queue.database, grid, { source: 'test', now }, [
        { file: named ? file : onlyStorageIndex(file), verify },
      ]);
      expect(await end(job, repaired)).toBe('queued');
      const again = await claimed();
      expect(again).toMatchObject({ verify, onlyIfWorthwhile: false, generation: 2, attempt: 1 });
      expect(await end(again, repaired)).toBe('done');
    },
  );

  it('in any case makes a job of it that was only for what is worthwhile, and not the other way round', async () => {
    const file = someVerifyCapability();
    const watch = { source: 'watch', onlyIfWorthwhile: true };
    await addJobs(queue.database, grid, watch, [{ file }]);
    await add({ file });
    await addJobs(queue.database, grid, watch, [{ file }]);
    expect(await claimed()).toMatchObject({ onlyIfWorthwhile: false, source: 'test' });
  });

  it('in any case does not make do with what was not worthwhile', async () => {
    const file = someVerifyCapability();
    const unlessEndedSince = new Date(0);
    const addFrom = (source: string, onlyIfWorthwhile: boolean) =>
      addJobs(queue.database, grid, { source, onlyIfWorthwhile, unlessEndedSince }, [{ file }]);
    await addFrom('watch', true);
    expect(await end(await claimed(), { ...repaired, result: 'not-worthwhile' })).toBe('done');
    expect(await addFrom('watch', true)).toEqual(['known']);
    expect(await addFrom('spool', false)).toEqual(['added']);
    expect(await end(await claimed(), repaired)).toBe('done');
    expect(await addFrom('spool', false)).toEqual(['known']);
  });

  it('again is as urgent as the file was found to be', async () => {
    const [urgent, unknown] = [someVerifyCapability(), someVerifyCapability()];
    await addFile(urgent);
    await end(await claimed(), { ...repaired, spareShares: 0 });
    await addFile(unknown);
    await addFile(urgent);
    expect(capabilityOf(await claimed())).toBe(formatCapability(urgent));
  });

  it('is refused for more than a thousand at a time', async () => {
    const files = Array.from({ length: mostAdded + 1 }, () => ({ file: someVerifyCapability() }));
    await expect(add(...files)).rejects.toThrow(RangeError);
    expect(await add(...files.slice(1))).toEqual(Array(mostAdded).fill('added'));
  });

  it('by many at once who name the same files makes one job of each', async () => {
    const files = Array.from({ length: 50 }, () => ({ file: someVerifyCapability() }));
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, turn) => add(...(turn % 2 ? files : files.toReversed()))),
    );
    expect(results.flat().filter((result) => result === 'added')).toHaveLength(50);
    expect((await status()).jobs.queued).toBe(50);
  });
});

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
    expect(await extendClaim(queue.database, grid, slow, minute)).toBe(false);
    expect(await end(slow, repaired)).toBeUndefined();
    await giveBackClaim(queue.database, grid, slow);
    expect(await extendClaim(queue.database, grid, quick, minute)).toBe(true);
    expect(await end(quick, repaired)).toBe('done');
    const results = await queue.sql<{ result: string }>(
      'select result from repairer.job_history order by claim',
    );
    expect(results.map(({ result }) => result)).toEqual(['lost', 'repaired']);
  });

  it('is kept while it is extended', async () => {
    await addFile(someVerifyCapability());
    const job = await claimed('worker', 1);
    await extendClaim(queue.database, grid, job, minute);
    await delay(10);
    expect(await sweep()).toEqual({ lost: 0, readied: 0 });
    expect(await end(job, repaired)).toBe('done');
  });

  it('that is given back is no attempt', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    await giveBackClaim(queue.database, grid, await claimed());
    expect((await claimed()).attempt).toBe(1);
  });

  it('ends once, also where its end is told again because nobody knows', async () => {
    await addFile(someVerifyCapability());
    const job = await claimed();
    expect(await end(job, repaired)).toBe('done');
    expect(await end(job, repaired)).toBe('done');
    expect(await queue.sql('select from repairer.job_history')).toHaveLength(1);
  });
});

describe('a job that fails', () => {
  it('is tried again after a pause, and in the end is failed, with its reason and history', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    expect(await end(await claimed(), failed)).toBe('queued');
    expect(await claim()).toBeUndefined();
    expect((await sweep()).readied).toBe(0);
    await queue.sql("update repairer.jobs set not_before = now() - interval '1 second'");
    expect((await sweep()).readied).toBe(1);
    expect(await end(await claimed(), failed, impatient)).toBe('queued');
    await sweep();
    expect(await end(await claimed(), failed, impatient)).toBe('failed');
    const [job, ...others] = await listJobs(queue.database, grid, 'failed', { limit: 10 });
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
    expect(await retryJobs(queue.database, grid, one && [one.storageIndex])).toBe(1);
    expect(await claimed()).toMatchObject({ generation: 2, attempt: 1 });
    expect(await retryJobs(queue.database, grid)).toBe(2);
    expect((await status()).jobs).toMatchObject({ queued: 2, failed: 0 });
  });

  it('is listed page by page', async () => {
    await add(...Array.from({ length: 5 }, () => ({ file: someVerifyCapability() })));
    for (let job = await claim(); job; job = await claim()) await end(job, failed, { ...terms, attempts: 1 });
    const pages: number[] = [];
    for (let after: Uint8Array | undefined; ; ) {
      const page = await listJobs(queue.database, grid, 'failed', { limit: 2, after });
      if (page.length === 0) break;
      pages.push(page.length);
      after = page.at(-1)?.storageIndex;
    }
    expect(pages).toEqual([2, 2, 1]);
  });
});

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
    expect(await wakeWaiting(queue.database, grid, minute)).toBe(1);
    expect((await sweep()).readied).toBe(0);
    await queue.sql("update repairer.jobs set ended_at = ended_at - interval '2 minutes'");
    expect(await wakeWaiting(queue.database, grid, minute)).toBe(1);
    expect(await wakeWaiting(queue.database, grid, minute)).toBe(0);
    expect((await sweep()).readied).toBe(1);
    expect(await end(await claimed(), repaired)).toBe('done');
  });
});

describe('a job that is put off', () => {
  const pause = async () =>
    (
      await queue.sql<{ ms: number }>(
        'select (extract(epoch from not_before - now()) * 1000)::float8 as ms from repairer.jobs',
      )
    )[0]?.ms ?? 0;
  const addNow = (file: ChkVerifyCapability, now = true) =>
    addJobs(queue.database, grid, { source: 'test', now }, [{ file }]);

  it('is looked at again after a while, however often, and that is no attempt', async () => {
    await addFile(someVerifyCapability());
    for (let look = 1; look <= terms.attempts + 2; look++) {
      const job = await claimed();
      expect(job).toMatchObject({ patient: true, attempt: 1 });
      expect(await end(job, postponed)).toBe('queued');
      expect(await claim()).toBeUndefined();
      expect(await status()).toMatchObject({ delayed: 0, postponed: 1, jobs: { queued: 1 } });
      await queue.sql("update repairer.jobs set not_before = now() - interval '1 second'");
      expect((await sweep()).readied).toBe(1);
    }
    expect(await end(await claimed(), repaired)).toBe('done');
    expect((await status()).postponed).toBe(0);
  });

  it('is looked at less often the longer it waits, so that many cause no storm', async () => {
    await addFile(someVerifyCapability());
    const after: number[] = [];
    for (const waited of ['0 minutes', '1 hour', '2 days']) {
      await queue.sql(`update repairer.jobs set queued_at = now() - interval '${waited}', not_before = null`);
      const job = await claimed();
      await end(job, postponed);
      after.push(Math.round((await pause()) / minute));
    }
    expect(after).toEqual([1, 15, 60]);
  });

  it('tells how long it was waited for', async () => {
    await addFile(someVerifyCapability());
    await queue.sql("update repairer.jobs set queued_at = now() - interval '1 hour'");
    expect((await claimed()).queuedFor).toBeGreaterThanOrEqual(60 * minute);
  });

  it('is looked at again when a server comes back', async () => {
    await addFile(someVerifyCapability());
    await end(await claimed(), postponed);
    expect(await wakeWaiting(queue.database, grid, 10)).toBe(1);
    await delay(20);
    expect((await sweep()).readied).toBe(1);
  });

  it('is looked at no more often than its age calls for, however often servers come back', async () => {
    await addFile(someVerifyCapability());
    await queue.sql("update repairer.jobs set queued_at = now() - interval '8 hours'");
    await end(await claimed(), postponed);
    expect(Math.round((await pause()) / minute)).toBe(60);
    expect(await wakeWaiting(queue.database, grid, 10)).toBe(1);
    expect(Math.round((await pause()) / minute)).toBe(30);
    expect(await wakeWaiting(queue.database, grid, 10)).toBe(0);
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

describe('a job that is removed', () => {
  const remove = (...files: ChkVerifyCapability[]) =>
    removeJobs(
      queue.database,
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
    expect(await queue.sql('select from repairer.jobs')).toEqual([]);
    expect(await queue.sql('select from repairer.job_history')).toEqual([]);
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
    const removing = await queue.database.transaction(async (client) => {
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
    await queue.sql("update repairer.jobs set state = 'failed'");
    const storageIndexes = files.map(({ storageIndex }) => storageIndex);
    const { ended } = await queue.database.transaction(async (client) => {
      await client.query('select from repairer.jobs where storage_index = $1 for update', [
        low.at(-1)?.storageIndex,
      ]);
      const adding = add(...files.map((file) => ({ file })));
      await blocked(1);
      const others = [
        retryJobs(queue.database, grid, storageIndexes),
        remove(...files),
        remove(...files.toReversed()),
      ];
      await blocked(4);
      return { ended: Promise.allSettled([adding, ...others]) };
    });
    expect((await ended).filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(await queue.sql('select from repairer.jobs')).toEqual([]);
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
    const attempts = await queue.sql<{ claim: number }>(
      'select claim from repairer.job_history order by claim',
    );
    const first = attempts[0]?.claim ?? 0;
    expect(attempts.map(({ claim }) => claim)).toEqual(
      Array.from({ length: 20 }, (_, index) => first + index),
    );
    expect((await listJobs(queue.database, grid, 'queued', { limit: 1 }))[0]?.history[0]?.attempt).toBe(25);
  });

  it('is forgotten in the end, but for what is still to be done', async () => {
    await add(...Array.from({ length: 4 }, () => ({ file: someVerifyCapability() })));
    await end(await claimed(), repaired);
    await end(await claimed(), failed, { ...terms, attempts: 1 });
    await end(await claimed(), unrecoverable);
    await forgetOld(queue.database, grid, minute);
    expect(await queue.sql('select from repairer.job_history')).toHaveLength(3);
    await delay(5);
    await forgetOld(queue.database, grid, 1);
    expect((await status()).jobs).toEqual({ queued: 1, claimed: 0, waiting: 1, done: 0, failed: 1 });
    expect(await queue.sql('select from repairer.job_history')).toHaveLength(0);
  });

  it('is the grid’s own', async () => {
    await addFile(someVerifyCapability());
    expect(await claimJob(queue.database, 'other', { worker: 'worker', claimFor: minute })).toBeUndefined();
  });
});
