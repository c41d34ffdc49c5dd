import type { Database } from '@holdfast/common/database';
import { uncheckedPriority } from './add-jobs.js';

/** Most jobs that one statement of a sweep changes. */
const batch = 1_000;

/** What a sweep found. */
export interface Swept {
  /** Jobs that can be claimed now and could not before. */
  readonly readied: number;
  /** Claims whose workers were not heard of in time. */
  readonly lost: number;
}

/**
 * Puts right what time alone changes: takes back claims that were not extended, and lets jobs be claimed whose pause is
 * over. Any number of workers may do it at once.
 *
 * @param attempts failures, a lost claim being one, after which a job is `failed`
 */
export async function sweepQueue(database: Database, grid: string, attempts: number): Promise<Swept> {
  const { lost, requeued } = await takeBackClaims(database, grid, attempts);
  let readied = requeued;
  for (let found = batch; found === batch; readied += found) found = await readyJobs(database, grid);
  return { lost, readied };
}

async function readyJobs(database: Database, grid: string): Promise<number> {
  const { rowCount } = await database.pool.query({
    name: 'ready-jobs',
    text: `
      with rested as materialized (
        select grid, storage_index from repairer.jobs
         where grid = $1 and not_before <= now() and state in ('queued', 'waiting')
         order by not_before limit $2 for update skip locked)
      update repairer.jobs as job set state = 'queued', not_before = null,
             priority = case when state = 'waiting' then greatest(priority, $3) else priority end
        from rested where job.grid = rested.grid and job.storage_index = rested.storage_index`,
    // How a file is doing of which too few shares were left is not known any more.
    values: [grid, batch, uncheckedPriority],
  });
  return rowCount ?? 0;
}

async function takeBackClaims(
  database: Database,
  grid: string,
  attempts: number,
): Promise<{ lost: number; requeued: number }> {
  const { rows } = await database.pool.query<{ lost: number; requeued: number }>({
    name: 'take-back-claims',
    text: `
      with overdue as (
        select * from repairer.jobs
         where grid = $1 and state = 'claimed' and claim_until < now()
         order by claim_until limit $2 for update skip locked),
      noted as (
        insert into repairer.job_history
               (grid, storage_index, claim, generation, attempt, worker, began_at, result, error)
        select grid, storage_index, claim, generation, attempts, claimed_by, claimed_at, 'lost',
               'its worker was not heard of in time' from overdue),
      requeued as (
        update repairer.jobs as job set
          state = case when job.attempts >= $3 then 'failed' else 'queued' end,
          last_result = 'lost', last_error = 'its worker was not heard of in time', ended_at = now(),
          claimed_by = null, claim_until = null
        from overdue where job.grid = overdue.grid and job.storage_index = overdue.storage_index
        returning job.state)
      select count(*)::integer as lost, (count(*) filter (where state = 'queued'))::integer as requeued
        from requeued`,
    values: [grid, batch, attempts],
  });
  return rows[0] ?? { lost: 0, requeued: 0 };
}

/**
 * Lets files be looked at again soon of which too few shares are left, or whose repair was put off: a server has come
 * back. There may be many of both, so that a server that comes and goes must cause no storm: they rest for a sixteenth of the
 * time since they were queued, of files that are put off a quarter of the pause that `endClaim` gives them; those that wait
 * for a share may be about to get lost, and rest for a quarter of an hour at most.
 *
 * @param restedFor milliseconds that each rests at least after the last look
 * @returns how many
 */
export async function wakeWaiting(database: Database, grid: string, restedFor: number): Promise<number> {
  const rested = `ended_at + greatest($2 * interval '1 millisecond',
                                      case state when 'queued' then (ended_at - queued_at) / 16
                                        else least((ended_at - queued_at) / 16, interval '15 minutes') end)`;
  for (let woken = 0; ; ) {
    const { rowCount } = await database.pool.query(
      `with waiting as materialized (
         select grid, storage_index from repairer.jobs
          where grid = $1 and (state = 'waiting' or state = 'queued' and last_result = 'postponed')
            and not_before > ${rested}
          limit $3 for update skip locked)
       update repairer.jobs as job set not_before = ${rested}
         from waiting where job.grid = waiting.grid and job.storage_index = waiting.storage_index`,
      [grid, restedFor, batch],
    );
    woken += rowCount ?? 0;
    if ((rowCount ?? 0) < batch) return woken;
  }
}

/** Forgets what was done, or attempted, or seen in the spool, so many milliseconds ago or more. */
export async function forgetOld(database: Database, grid: string, after: number): Promise<void> {
  for (const statement of forgetting)
    for (let forgotten = batch; forgotten === batch; )
      forgotten = (await database.pool.query(statement, [grid, after, batch])).rowCount ?? 0;
}

const forgetting = [
  `with old as materialized (
       select grid, storage_index from repairer.jobs
        where grid = $1 and state = 'done' and ended_at < now() - $2 * interval '1 millisecond'
        limit $3 for update skip locked)
     delete from repairer.jobs as job using old
      where job.grid = old.grid and job.storage_index = old.storage_index`,
  `delete from repairer.job_history where ctid = any(array(
       select ctid from repairer.job_history
        where grid = $1 and ended_at < now() - $2 * interval '1 millisecond' limit $3))`,
  `delete from repairer.spool_files where ctid = any(array(
       select ctid from repairer.spool_files
        where grid = $1 and seen_at < now() - $2 * interval '1 millisecond' limit $3))`,
  `delete from repairer.spool_claims where ctid = any(array(
       select ctid from repairer.spool_claims
        where grid = $1 and claim_until < now() - $2 * interval '1 millisecond' limit $3))`,
];
