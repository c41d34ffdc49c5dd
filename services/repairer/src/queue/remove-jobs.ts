import type { Database } from '@holdfast/common/database';
import { base32Encode } from '@holdfast/lafs';
import type { JobState } from './job.js';

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
  const results = await database.transaction(async (client) => {
    // Locked in the order in which addJobs takes them: so whoever waits for another does not keep that one waiting.
    const { rows } = await client.query<{ storage_index: Buffer; state: JobState }>(
      `select storage_index, state from repairer.jobs
        where grid = $1 and storage_index = any($2) order by storage_index for update`,
      [grid, storageIndexes],
    );
    const removed = rows.filter(({ state }) => resultOf[state] === 'removed');
    for (const table of ['jobs', 'job_history'])
      await client.query(`delete from repairer.${table} where grid = $1 and storage_index = any($2)`, [
        grid,
        removed.map(({ storage_index }) => storage_index),
      ]);
    return new Map(rows.map(({ storage_index, state }) => [base32Encode(storage_index), resultOf[state]]));
  });
  return storageIndexes.map((index) => results.get(base32Encode(index)) ?? 'absent');
}

const resultOf: Readonly<Record<JobState, RemoveResult>> = {
  queued: 'removed',
  waiting: 'removed',
  failed: 'removed',
  claimed: 'claimed',
  done: 'absent',
};
