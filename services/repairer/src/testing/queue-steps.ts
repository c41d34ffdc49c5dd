import { waitFor } from '@holdfast/lab';
import { type ChkVerifyCapability, formatCapability } from '@holdfast/lafs';
import { afterEach, beforeEach } from 'vitest';
import { addJobs, type JobRequest } from '../queue/add-jobs.js';
import { claimJobs } from '../queue/claim-job.js';
import { type AttemptEnd, endClaims, type RetryTerms } from '../queue/end-claim.js';
import type { ClaimedJob, JobOutcome } from '../queue/job.js';
import { queueStatus } from '../queue/queue-status.js';
import { sweepQueue } from '../queue/sweep-queue.js';
import { type TestQueue, testQueue } from './test-queue.js';

export const grid = 'test';
export const minute = 60_000;
export const terms: RetryTerms = {
  attempts: 3,
  firstPause: minute,
  longestPause: 60 * minute,
  unrecoverablePause: 60 * minute,
  postponedPause: minute,
};
export const impatient: RetryTerms = { ...terms, firstPause: 0, unrecoverablePause: 0 };
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
export const repaired: AttemptEnd = { result: 'repaired', outcome, spareShares: 7 };
export const proven: AttemptEnd = { ...repaired, proven: true };
export const failed: AttemptEnd = { result: 'failed', error: 'no server took a share' };
export const postponed: AttemptEnd = { result: 'postponed', error: '1 known server', spareShares: 5 };
export const unrecoverable: AttemptEnd = { result: 'unrecoverable', error: '2 of 3 shares', spareShares: -1 };

/** Gives each test of a file a queue of its own, and the steps that tests take with it. */
export function queueSteps() {
  let queue: TestQueue;
  beforeEach(async () => {
    queue = await testQueue();
  });
  afterEach(() => queue[Symbol.asyncDispose]());

  const add = (...requests: JobRequest[]) => addJobs(queue.database, grid, { source: 'test' }, requests);
  const claim = async (worker = 'worker', claimFor = minute): Promise<ClaimedJob | undefined> =>
    (await claimJobs(queue.claims, grid, { worker, claimFor }, 1))[0];
  return {
    /** The queue of the test that runs. */
    get queue() {
      return queue;
    },
    add,
    addFile: (file: ChkVerifyCapability) => add({ file }),
    claim,
    claimed: async (worker?: string, claimFor?: number): Promise<ClaimedJob> => {
      const job = await claim(worker, claimFor);
      if (!job) throw new Error('there was no job');
      return job;
    },
    end: async (job: ClaimedJob, how: AttemptEnd, retry = terms) =>
      (await endClaims(queue.claims, grid, [{ job, end: how }], retry))[0],
    sweep: () => sweepQueue(queue.database, grid, terms.attempts),
    status: () => queueStatus(queue.database, grid, 10),
    stateOf: async ({ storageIndex }: { storageIndex: Uint8Array }) =>
      (
        await queue.sql<{ state: string }>('select state from repairer.jobs where storage_index = $1', [
          storageIndex,
        ])
      )[0]?.state,
    /** Resolves when so many statements wait for the locks of others. */
    blocked: (statements: number) =>
      waitFor(`${statements} wait for a lock`, async () => {
        const waiting = await queue.sql(
          "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        );
        return waiting.length === statements || undefined;
      }),
  };
}

/** The verify capability that a job has; undefined where it has only a storage index. */
export function capabilityOf({ file }: ClaimedJob): string | undefined {
  return file.kind === 'storage-index' ? undefined : formatCapability(file);
}
