import type { Database } from '@holdfast/common/database';
import { base32Encode } from '@holdfast/lafs';

/** What became of a job that was to be removed. `claimed`: a repairer works on it; `absent`: it was not in the queue. */
export type RemoveResult = 'removed' | 'claimed' | 'absent';

/**
 * Takes jobs from the queue that are queued, wait for servers or have failed, with what is remembered of them. One that is
 * worked on stays, and so does what is known of one that was done.
 *
 * @returns what became of each, in their order; of one that is named twice the same
 */
export async function removeJobs(
  database: Database,
  grid: string,
  storageIndexes: readonly Uint8Array[],
): Promise<RemoveResult[]> {
  const { rows } = await database.pool.query<{ storage_index: Buffer; result: RemoveResult }>(
    `with removed as (
       delete from repairer.jobs
        where grid = $1 and storage_index = any($2) and state in ('queued', 'waiting', 'failed')
       returning storage_index),
     forgotten as (
       delete from repairer.job_history
        where grid = $1 and storage_index in (select storage_index from removed))
     select storage_index, 'removed' as result from removed
     union all
     select storage_index, 'claimed' from repairer.jobs
      where grid = $1 and storage_index = any($2) and state = 'claimed'`,
    [grid, storageIndexes],
  );
  const results = new Map(rows.map(({ storage_index, result }) => [base32Encode(storage_index), result]));
  return storageIndexes.map((index) => results.get(base32Encode(index)) ?? 'absent');
}
