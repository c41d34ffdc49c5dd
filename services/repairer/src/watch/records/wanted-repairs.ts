import type { RepairFile } from '../../queue/repair-file.js';
import { fileOf } from './due-checks.js';
import type { Queryable } from './queryable.js';

/** Most jobs whose end is seen to at a time. */
const batch = 1_000;

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

/** Notes that there is a job for each of these files, or that there can be none. */
export async function noteRepairs(
  database: Queryable,
  grid: string,
  storageIndexes: readonly Uint8Array[],
  repair: 'queued' | 'none',
): Promise<void> {
  await database.query(
    `update repairer.watched set repair = $3 where grid = $1 and repair = 'wanted' and storage_index = any($2)`,
    [grid, storageIndexes, repair],
  );
}

/** Notes which jobs have ended, and lets the files be checked again: at once where something was done. */
export async function noteEndedJobs(database: Queryable, grid: string): Promise<number> {
  const { rowCount } = await database.query({
    name: 'note-ended-jobs',
    text: `
      with ended as (
        select file.storage_index, job.state from repairer.watched as file
          left join repairer.jobs as job on job.grid = file.grid and job.storage_index = file.storage_index
         where file.grid = $1 and file.repair = 'queued'
           and (job.state is null or job.state not in ('queued', 'claimed'))
         limit $2)
      update repairer.watched as file set repair = 'none', repaired_at = now(),
             next_check = case when ended.state = 'done' then least(next_check, now()) else next_check end
        from ended where file.grid = $1 and file.storage_index = ended.storage_index`,
    values: [grid, batch],
  });
  return rowCount ?? 0;
}
