import type { Database } from '@holdfast/common/database';

/** Most jobs that one statement changes. */
const batch = 1_000;

/**
 * Queues jobs again, under a new generation, that have failed or wait for servers.
 *
 * @param storageIndexes which; all that have failed where not given
 * @returns how many
 */
export async function retryJobs(
  database: Database,
  grid: string,
  storageIndexes?: readonly Uint8Array[],
): Promise<number> {
  if (storageIndexes === undefined) return retryAllFailed(database, grid);
  const { rowCount } = await database.pool.query(
    `update repairer.jobs set ${queuedAnew}
      where grid = $1 and storage_index in (
        select storage_index from repairer.jobs
         where grid = $1 and state in ('failed', 'waiting') and storage_index = any($2)
         order by storage_index for update)`,
    [grid, storageIndexes],
  );
  return rowCount ?? 0;
}

const queuedAnew = `
  state = 'queued', not_before = null, generation = generation + 1, attempts = 0, queued_at = now()`;

async function retryAllFailed(database: Database, grid: string): Promise<number> {
  for (let retried = 0; ; ) {
    const { rowCount } = await database.pool.query(
      `update repairer.jobs set ${queuedAnew}
        where grid = $1 and storage_index in (
          select storage_index from repairer.jobs where grid = $1 and state = 'failed'
           limit $2 for update skip locked)`,
      [grid, batch],
    );
    retried += rowCount ?? 0;
    if ((rowCount ?? 0) < batch) return retried;
  }
}
