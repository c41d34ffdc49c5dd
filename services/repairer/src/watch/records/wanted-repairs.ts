import type { RepairFile } from '../../queue/repair-file.js';
import { fileOf } from './due-checks.js';
import type { Queryable } from './queryable.js';

/** Most jobs whose end is seen to at a time. */
const batch = 1_000;

/** Locked in the order in which others take many files, so that nobody waits in a circle. */
const lockedWatched = `locked as (
  select storage_index from repairer.watched where grid = $1 and storage_index = any($2)
   order by storage_index for update)`;

/** How many jobs of the watch are in the queue. */
export async function countQueued(database: Queryable, grid: string, most: number): Promise<number> {
  const { rows } = await database.query<{ jobs: number }>({
    name: 'count-queued-repairs',
    text: `select count(*)::integer as jobs from (
             select from repairer.watched where grid = $1 and repair = 'queued' limit $2) as queued`,
    values: [grid, most],
  });
  return rows[0]?.jobs ?? 0;
}

/** A file that is to be repaired. */
export interface WantedRepair {
  readonly file: RepairFile;
  readonly spareShares: number;
}

/** The files whose repair is wanted, those with the fewest spare shares first. */
export async function listWanted(database: Queryable, grid: string, most: number): Promise<WantedRepair[]> {
  const { rows } = await database.query<{
    storage_index: Buffer;
    verify_capability: string | null;
    spare_shares: number;
  }>({
    name: 'list-wanted-repairs',
    text: `select storage_index, verify_capability, spare_shares from repairer.watched
            where grid = $1 and repair = 'wanted' and spare_shares is not null order by spare_shares limit $2`,
    values: [grid, most],
  });
  return rows.map((row) => ({ file: fileOf(row), spareShares: row.spare_shares }));
}

/** Notes that there is a job for each of these files. */
export async function noteQueued(
  database: Queryable,
  grid: string,
  storageIndexes: readonly Uint8Array[],
): Promise<void> {
  await database.query(
    `with ${lockedWatched}
     update repairer.watched as file set repair = 'queued'
       from locked where file.grid = $1 and file.repair = 'wanted' and file.storage_index = locked.storage_index`,
    [grid, storageIndexes],
  );
}

/** Takes for files that contradict their jobs the capability that these were proven by, and lets them be checked again. */
export async function takeProven(
  database: Queryable,
  grid: string,
  storageIndexes: readonly Uint8Array[],
): Promise<void> {
  await database.query(
    `with ${lockedWatched}
     update repairer.watched as file set repair = 'none', next_check = now(), proven = true, other_capability = null,
            verify_capability = job.verify_capability
       from repairer.jobs as job join locked using (storage_index)
      where file.grid = $1 and file.storage_index = locked.storage_index
        and job.grid = file.grid and job.storage_index = file.storage_index and job.proven`,
    [grid, storageIndexes],
  );
}

/**
 * Notes which jobs have ended, and lets the files be checked again: at once where one was repaired or is well, within the
 * hour where nothing came of it.
 */
export async function noteEndedJobs(database: Queryable, grid: string): Promise<number> {
  const { rowCount } = await database.query({
    name: 'note-ended-jobs',
    text: `
      with ended as (
        select file.storage_index, job.state, job.last_result, job.spare_shares from repairer.watched as file
          left join repairer.jobs as job on job.grid = file.grid and job.storage_index = file.storage_index
         where file.grid = $1 and file.repair = 'queued'
           and (job.state is null or job.state not in ('queued', 'claimed'))
         limit $2),
      locked as (
        select storage_index from repairer.watched
         where grid = $1 and storage_index in (select storage_index from ended) order by storage_index for update)
      update repairer.watched as file set repair = 'none',
             repaired_at = case when last_result = 'repaired' then now() else repaired_at end,
             spare_after_repair = case when last_result = 'repaired' then ended.spare_shares
                                       else spare_after_repair end,
             next_check = case when ended.state = 'waiting' then next_check
                               when last_result in ('healthy', 'repaired') then least(next_check, now())
                               else least(next_check, now() + interval '1 hour') end
        from ended join locked using (storage_index)
       where file.grid = $1 and file.storage_index = ended.storage_index`,
    values: [grid, batch],
  });
  return rowCount ?? 0;
}
