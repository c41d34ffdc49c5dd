import type { Database } from '@holdfast/common/database';
import type { AttemptResult, JobOutcome, JobState } from './job.js';
import { isPostponed, jobStates } from './job.js';

/** An attempt that has ended lately. */
export interface RecentAttempt {
  readonly storageIndex: Uint8Array;
  readonly result: AttemptResult;
  readonly error: string | null;
  readonly outcome: JobOutcome | null;
  readonly worker: string;
  readonly endedAt: Date;
  readonly milliseconds: number;
}

/** How a grid's queue is doing. */
export interface QueueStatus {
  readonly jobs: Readonly<Record<JobState, number>>;
  /** Of those that are queued, how many are in a pause after a failure. */
  readonly delayed: number;
  /** Of those that are queued, how many are put off until servers that are away are back, or given up. */
  readonly postponed: number;
  /** Files in the queue, whose jobs are not done, by how many of their shares can still be lost; fewest first. */
  readonly spareShares: readonly { readonly spare: number; readonly files: number }[];
  /** Attempts by their results, in the last minute. */
  readonly lastMinute: Readonly<Partial<Record<AttemptResult, number>>>;
  /** The newest first. */
  readonly recent: readonly RecentAttempt[];
}

/** @param recent how many of the last attempts to name */
export async function queueStatus(database: Database, grid: string, recent: number): Promise<QueueStatus> {
  const rows = async <Row extends object>(text: string, ...values: unknown[]) =>
    (await database.pool.query<Row>(text, [grid, ...values])).rows;
  const states = await rows<{ state: JobState; count: number; delayed: number; postponed: number }>(
    `select state, count(*) as count,
            count(*) filter (where state = 'queued' and not_before is not null and not ${isPostponed}) as delayed,
            count(*) filter (where ${isPostponed}) as postponed
       from repairer.jobs where grid = $1 group by state`,
  );
  const spareShares = await rows<{ spare: number; files: number }>(
    `select spare_shares as spare, count(*) as files from repairer.jobs
      where grid = $1 and spare_shares is not null and state <> 'done' group by spare_shares order by spare_shares`,
  );
  const lastMinute = await rows<{ result: AttemptResult; count: number }>(
    `select result, count(*) as count from repairer.job_history
      where grid = $1 and ended_at > now() - interval '1 minute' group by result`,
  );
  const countOf = (state: JobState) => states.find((row) => row.state === state)?.count ?? 0;
  return {
    jobs: Object.fromEntries(jobStates.map((state) => [state, countOf(state)])) as Record<JobState, number>,
    delayed: states.reduce((sum, { delayed }) => sum + delayed, 0),
    postponed: states.reduce((sum, { postponed }) => sum + postponed, 0),
    spareShares,
    lastMinute: Object.fromEntries(lastMinute.map(({ result, count }) => [result, count])),
    recent: await rows<RecentAttempt>(
      `select storage_index as "storageIndex", result, error, outcome, worker, ended_at as "endedAt",
              (extract(epoch from ended_at - began_at) * 1000)::float8 as milliseconds
         from repairer.job_history where grid = $1 order by ended_at desc limit $2`,
      recent,
    ),
  };
}
