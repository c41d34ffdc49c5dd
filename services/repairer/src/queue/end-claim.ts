import type { Database } from '@holdfast/common/database';
import { formatCapability } from '@holdfast/lafs';
import type { AttemptResult, ClaimedJob, JobOutcome, JobState } from './job.js';

/** How an attempt ended, to be written down. */
export interface AttemptEnd {
  readonly result: Exclude<AttemptResult, 'lost'>;
  /** Whether a share was found to be of the file that the capability names. */
  readonly proven?: boolean;
  /** In one line without secrets, where the result is `unrecoverable`, `postponed` or `failed`. */
  readonly error?: string;
  /** Undefined where not even a check came to its end. */
  readonly outcome?: JobOutcome;
  /** How many shares can still be lost: fewer than 0 where the file cannot be read. */
  readonly spareShares?: number;
  /** Where the result is `unrecoverable`: milliseconds after which to look again, where that is not as usual. */
  readonly lookAgainAfter?: number;
}

/** How often, and after which pauses, a job is tried. All in milliseconds. */
export interface RetryTerms {
  /** Failures after which a job is `failed`. */
  readonly attempts: number;
  /** The pause after the first failure; it doubles with each further one. */
  readonly firstPause: number;
  readonly longestPause: number;
  /** After how long a file of which too few shares are left is looked at again, if no server comes back before. */
  readonly unrecoverablePause: number;
  /** The first pause of a job that is put off; later ones are a quarter of the time since it was queued, up to an hour. */
  readonly postponedPause: number;
}

/** Of so many last claims of a job it is remembered how they ended. */
const mostRemembered = 20;

/** An attempt that has ended. */
export interface EndedClaim {
  readonly job: ClaimedJob;
  readonly end: AttemptEnd;
}

/** Whether more was asked for while the work was done, than the worker knew of. */
const askedForMore = `(job.verify and not told.verify or told.only_if_worthwhile and not job.only_if_worthwhile
                       or told.patient and not job.patient
                       or told.capability is null and job.verify_capability is not null)`;

/** Whether another capability was named, and it may be that one which the shares belong to. */
const unsure = '(job.other_capability is not null and not told.proven)';

/**
 * Writes down how the attempts of claims ended, and with each what is to become of the job, in one commit. May be called
 * again where it is not known whether the first time succeeded.
 *
 * @returns for each the job's new state; undefined where the claim was lost, and nothing was written of it
 */
export async function endClaims(
  database: Database,
  grid: string,
  ends: readonly EndedClaim[],
  terms: RetryTerms,
): Promise<(JobState | undefined)[]> {
  const { rows } = await database.pool.query<{ position: number; state: JobState }>({
    name: 'end-claims',
    // Locked in the order in which others take many jobs, so that nobody waits in a circle. Each of what is laterally joined
    // is found by its key (`offset 0` keeps it from being planned otherwise), and looked at when it is locked.
    text: `
      with told as (
        select * from unnest($2::bytea[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[],
                             $8::integer[], $9::float8[], $10::text[], $11::text[], $12::boolean[], $13::boolean[],
                             $14::boolean[], $15::integer[], $16::boolean[])
          with ordinality
          as told (storage_index, generation, claim, result, error, outcome, spare_shares, unrecoverable_pause, worker,
                   capability, verify, only_if_worthwhile, proven, attempt, patient, position)),
      held as materialized (
        select position, locked.grid, locked.storage_index
          from (select position, storage_index, generation, claim from told order by storage_index) as named
         cross join lateral (
               select grid, storage_index, generation, claim, state from repairer.jobs
                where grid = $1 and storage_index = named.storage_index offset 0 for update) as locked
         where locked.generation = named.generation and locked.claim = named.claim and locked.state = 'claimed'),
      ended as (
        update repairer.jobs as job set
          state = case when ${askedForMore} or told.result = 'postponed' or ${unsure} and job.attempts < $17
                       then 'queued'
                       when told.result in ('healthy', 'repaired', 'not-worthwhile') then 'done'
                       when told.result = 'unrecoverable' then 'waiting'
                       when job.attempts >= $17 then 'failed'
                       else 'queued' end,
          not_before = case when ${askedForMore} then null
                            when told.result = 'postponed'
                            then now() + least(greatest($20 * interval '1 millisecond', (now() - job.queued_at) / 4),
                                               interval '1 hour')
                            when ${unsure} and job.attempts < $17 and told.result <> 'failed' then null
                            when told.result = 'unrecoverable'
                            then now() + told.unrecoverable_pause * interval '1 millisecond'
                            when told.result = 'failed' and job.attempts < $17
                            then now() + least($18 * power(2, job.attempts - 1), $19) * (0.75 + random() / 2)
                                         * interval '1 millisecond' end,
          spare_shares = coalesce(told.spare_shares, job.spare_shares),
          priority = coalesce(told.spare_shares, job.priority),
          generation = case when ${askedForMore} then job.generation + 1 else job.generation end,
          attempts = case when ${askedForMore} then 0
                          when told.result = 'postponed' then job.attempts - 1 else job.attempts end,
          proven = told.proven or job.proven and not ${unsure},
          verify_capability = case when ${unsure} then job.other_capability else job.verify_capability end,
          other_capability = case when ${unsure} then job.verify_capability end,
          last_result = told.result, last_error = told.error, outcome = told.outcome::jsonb, ended_at = now(),
          claimed_by = null, claim_until = null
        from told join held using (position)
        where job.grid = held.grid and job.storage_index = held.storage_index
        returning told.*, job.claimed_at, job.state),
      noted as (
        insert into repairer.job_history
               (grid, storage_index, claim, generation, attempt, worker, began_at, result, error, outcome)
        select $1, storage_index, claim, generation, attempt, worker, claimed_at, result, error, outcome::jsonb
          from ended),
      forgotten as (
        delete from repairer.job_history where ctid = any(array(
          select old.place
            from ended
           cross join lateral (
                 select ctid as place from repairer.job_history as old
                  where old.grid = $1 and old.storage_index = ended.storage_index
                    and old.claim <= ended.claim - $21 offset 0) as old
           where ended.claim > $21)))
      select position::integer, state from ended`,
    values: [
      grid,
      ends.map(({ job }) => job.file.storageIndex),
      ends.map(({ job }) => job.generation),
      ends.map(({ job }) => job.claim),
      ends.map(({ end }) => end.result),
      ends.map(({ end }) => end.error ?? null),
      ends.map(({ end }) => (end.outcome ? JSON.stringify(end.outcome) : null)),
      ends.map(({ end }) => end.spareShares ?? null),
      ends.map(({ end }) => end.lookAgainAfter ?? terms.unrecoverablePause),
      ends.map(({ job }) => job.worker),
      ends.map(({ job: { file } }) => (file.kind === 'storage-index' ? null : formatCapability(file))),
      ends.map(({ job }) => job.verify),
      ends.map(({ job }) => job.onlyIfWorthwhile),
      ends.map(({ job, end }) => job.file.kind !== 'storage-index' && (end.proven ?? false)),
      ends.map(({ job }) => job.attempt),
      ends.map(({ job }) => job.patient),
      terms.attempts,
      terms.firstPause,
      terms.longestPause,
      terms.postponedPause,
      mostRemembered,
    ],
  });
  const states = new Map(rows.map(({ position, state }) => [position - 1, state]));
  const others = ends.flatMap(({ job }, index) => (states.has(index) ? [] : [{ job, index }]));
  // Only now: the first time may have been under way still, of which a statement that waited for it sees no history.
  const before = await statesOfEnded(database, grid, others);
  return ends.map((_, index) => states.get(index) ?? before.get(index));
}

/** The states of those jobs of which it was written down before how these claims ended, by their index. */
async function statesOfEnded(
  database: Database,
  grid: string,
  claims: readonly { readonly job: ClaimedJob; readonly index: number }[],
): Promise<Map<number, JobState>> {
  if (claims.length === 0) return new Map();
  const { rows } = await database.pool.query<{ index: number; state: JobState }>({
    name: 'states-of-ended-claims',
    text: `
      select told.index, job.state
        from unnest($2::bytea[], $3::bigint[], $4::integer[]) as told (storage_index, claim, index)
             join repairer.jobs as job on job.grid = $1 and job.storage_index = told.storage_index
             join repairer.job_history as noted
               on noted.grid = $1 and noted.storage_index = told.storage_index and noted.claim = told.claim
       where noted.result <> 'lost'`,
    values: [
      grid,
      claims.map(({ job }) => job.file.storageIndex),
      claims.map(({ job }) => job.claim),
      claims.map(({ index }) => index),
    ],
  });
  return new Map(rows.map(({ index, state }) => [index, state]));
}
