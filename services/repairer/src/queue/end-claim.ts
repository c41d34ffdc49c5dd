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

/** Most attempts of a job that are remembered. */
const mostRemembered = 20;

/** Whether more was asked for while the work was done, than the worker knew of. */
const askedForMore = `(verify and not $16 or $17 and not only_if_worthwhile
                       or $20 and not patient or $15::text is null and verify_capability is not null)`;

/** Whether another capability was named, and it may be that one which the shares belong to. */
const unsure = '(other_capability is not null and not $18::boolean)';

/**
 * Writes down how the attempt of a claim ended, and with it what is to become of the job, in one commit. May be called
 * again where it is not known whether the first time succeeded.
 *
 * @returns the job's new state; undefined where the claim was lost, and nothing was written
 */
export async function endClaim(
  database: Database,
  grid: string,
  job: ClaimedJob,
  end: AttemptEnd,
  terms: RetryTerms,
): Promise<JobState | undefined> {
  const { rows } = await database.pool.query<{ state: JobState }>({
    name: 'end-claim',
    text: `
      with ended as (
        update repairer.jobs set
          state = case when ${askedForMore} or $5 = 'postponed' or ${unsure} and attempts < $9 then 'queued'
                       when $5 in ('healthy', 'repaired', 'not-worthwhile') then 'done'
                       when $5 = 'unrecoverable' then 'waiting'
                       when attempts >= $9 then 'failed'
                       else 'queued' end,
          not_before = case when ${askedForMore} then null
                            when $5 = 'postponed'
                            then now() + least(greatest($21 * interval '1 millisecond', (now() - queued_at) / 4),
                                               interval '1 hour')
                            when ${unsure} and attempts < $9 and $5 <> 'failed' then null
                            when $5 = 'unrecoverable' then now() + $12 * interval '1 millisecond'
                            when $5 = 'failed' and attempts < $9
                            then now() + least($10 * power(2, attempts - 1), $11) * (0.75 + random() / 2)
                                         * interval '1 millisecond' end,
          spare_shares = coalesce($8, spare_shares),
          priority = coalesce($8, priority),
          generation = case when ${askedForMore} then generation + 1 else generation end,
          attempts = case when ${askedForMore} then 0 when $5 = 'postponed' then attempts - 1 else attempts end,
          proven = $18 or proven and not ${unsure},
          verify_capability = case when ${unsure} then other_capability else verify_capability end,
          other_capability = case when ${unsure} then verify_capability end,
          last_result = $5, last_error = $6, outcome = $7, ended_at = now(), claimed_by = null, claim_until = null
        where grid = $1 and storage_index = $2 and generation = $3 and claim = $4 and state = 'claimed'
        returning *),
      noted as (
        insert into repairer.job_history
               (grid, storage_index, claim, generation, attempt, worker, began_at, result, error, outcome)
        select grid, storage_index, claim, $3, $19::integer, $13, claimed_at, $5, $6, $7 from ended),
      forgotten as (
        delete from repairer.job_history
         where grid = $1 and storage_index = $2 and exists (select from ended)
           and claim <= (select claim from repairer.job_history where grid = $1 and storage_index = $2
                          order by claim desc offset $14 limit 1))
      select state from ended
      union all
      select job.state from repairer.jobs as job join repairer.job_history using (grid, storage_index)
       where grid = $1 and storage_index = $2 and job_history.claim = $4 and result <> 'lost'`,
    values: [
      grid,
      job.file.storageIndex,
      job.generation,
      job.claim,
      end.result,
      end.error ?? null,
      end.outcome ?? null,
      end.spareShares ?? null,
      terms.attempts,
      terms.firstPause,
      terms.longestPause,
      end.lookAgainAfter ?? terms.unrecoverablePause,
      job.worker,
      mostRemembered - 1,
      job.file.kind === 'storage-index' ? null : formatCapability(job.file),
      job.verify,
      job.onlyIfWorthwhile,
      job.file.kind !== 'storage-index' && (end.proven ?? false),
      job.attempt,
      job.patient,
      terms.postponedPause,
    ],
  });
  return rows[0]?.state;
}
