import type { Database } from '@holdfast/common/database';
import { base32Encode } from '@holdfast/lafs';
import type { AttemptResult, JobOutcome, JobState } from './job.js';

/** An attempt at a job, as it is remembered. */
export interface PastAttempt {
  readonly generation: number;
  readonly attempt: number;
  readonly worker: string;
  readonly beganAt: Date;
  readonly endedAt: Date;
  readonly result: AttemptResult;
  readonly error: string | null;
  readonly outcome: JobOutcome | null;
}

/** A job, with what is remembered of it. */
export interface ListedJob {
  readonly storageIndex: Uint8Array;
  readonly state: JobState;
  readonly source: string;
  readonly attempts: number;
  readonly spareShares: number | null;
  readonly lastError: string | null;
  readonly queuedAt: Date;
  readonly endedAt: Date | null;
  /** The newest first. */
  readonly history: readonly PastAttempt[];
}

type JobRow = Omit<ListedJob, 'history'>;
type HistoryRow = PastAttempt & { readonly storageIndex: Buffer };

/**
 * A page of a grid's jobs in one state, in order of their storage indexes.
 *
 * @param after the last storage index of the page before
 */
export async function listJobs(
  database: Database,
  grid: string,
  state: JobState,
  { limit, after }: { limit: number; after?: Uint8Array | undefined },
): Promise<ListedJob[]> {
  const { rows: jobs } = await database.pool.query<JobRow>(
    `select storage_index as "storageIndex", state, source, attempts, spare_shares as "spareShares",
            last_error as "lastError", queued_at as "queuedAt", ended_at as "endedAt"
       from repairer.jobs
      where grid = $1 and state = $2 and storage_index > $3
      order by storage_index limit $4`,
    [grid, state, after ?? Buffer.alloc(0), limit],
  );
  const { rows: attempts } = await database.pool.query<HistoryRow>(
    `select storage_index as "storageIndex", generation, attempt, worker, began_at as "beganAt",
            ended_at as "endedAt", result, error, outcome
       from repairer.job_history
      where grid = $1 and storage_index = any($2) order by claim desc`,
    [grid, jobs.map(({ storageIndex }) => storageIndex)],
  );
  const histories = new Map<string, PastAttempt[]>();
  for (const { storageIndex, ...attempt } of attempts) {
    const key = base32Encode(storageIndex);
    histories.set(key, [...(histories.get(key) ?? []), attempt]);
  }
  return jobs.map((job) => ({ ...job, history: histories.get(base32Encode(job.storageIndex)) ?? [] }));
}
