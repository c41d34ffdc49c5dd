import type { Database } from '@holdfast/common/database';
import { base32Encode } from '@holdfast/lafs';
import { type AttemptResult, isPostponed, type JobState } from './job.js';

/** Where a job stands. */
export interface JobStanding {
  readonly state: JobState;
  /** Whether it is queued, and put off until servers that are away are back, or given up. */
  readonly postponed: boolean;
  /** How its last attempt ended. */
  readonly lastResult: AttemptResult | null;
  readonly lastError: string | null;
  readonly endedAt: Date | null;
  /** When its last attempt began. */
  readonly begunAt: Date | null;
}

interface StandingRow extends JobStanding {
  readonly storageIndex: Buffer;
}

/** Where the jobs of some files stand, by their storage indexes in base32. */
export async function jobStates(
  database: Database,
  grid: string,
  storageIndexes: readonly Uint8Array[],
): Promise<Map<string, JobStanding>> {
  const { rows } = await database.pool.query<StandingRow>(
    `select storage_index as "storageIndex", state, ${isPostponed} as postponed, last_result as "lastResult",
            last_error as "lastError", ended_at as "endedAt", claimed_at as "begunAt"
       from repairer.jobs where grid = $1 and storage_index = any($2)`,
    [grid, storageIndexes],
  );
  return new Map(rows.map(({ storageIndex, ...standing }) => [base32Encode(storageIndex), standing]));
}
