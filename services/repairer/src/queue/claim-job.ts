import type { Database } from '@holdfast/common/database';
import { parseCapability } from '@holdfast/lafs';
import type { ClaimedJob } from './job.js';
import type { RepairFile } from './repair-file.js';

interface ClaimRow {
  readonly storage_index: Buffer;
  readonly verify_capability: string | null;
  readonly verify: boolean;
  readonly only_if_worthwhile: boolean;
  readonly patient: boolean;
  readonly queued_for: number;
  readonly source: string;
  readonly generation: number;
  readonly attempts: number;
  readonly claim: number;
}

/** Who claims jobs, and for how many milliseconds at a time. */
export interface ClaimTerms {
  readonly worker: string;
  readonly claimFor: number;
}

/**
 * Takes the jobs of the files that can lose the fewest shares.
 *
 * @param most how many; fewer where there are not so many to be done at the moment
 */
export async function claimJobs(
  database: Database,
  grid: string,
  { worker, claimFor }: ClaimTerms,
  most: number,
): Promise<ClaimedJob[]> {
  const { rows } = await database.pool.query<ClaimRow>({
    name: 'claim-jobs',
    text: `
      with first as materialized (
        select grid, storage_index from repairer.jobs
         where grid = $1 and state = 'queued' and not_before is null
         order by priority, queued_at limit $4 for update skip locked)
      update repairer.jobs as job set
        state = 'claimed', claim = claim + 1, attempts = attempts + 1, claimed_by = $2, claimed_at = now(),
        claim_until = now() + $3 * interval '1 millisecond'
      -- Not by "grid = $1": while Postgres has no statistics it thinks that a grid has few jobs, and would read them all.
      from first where job.grid = first.grid and job.storage_index = first.storage_index
      returning job.storage_index, verify_capability, verify, only_if_worthwhile, patient, source, generation, attempts,
                claim, (extract(epoch from now() - queued_at) * 1000)::float8 as queued_for`,
    values: [grid, worker, claimFor, most],
  });
  return rows.map((row) => ({
    file: fileOf(row),
    verify: row.verify,
    onlyIfWorthwhile: row.only_if_worthwhile,
    patient: row.patient,
    queuedFor: row.queued_for,
    source: row.source,
    generation: row.generation,
    attempt: row.attempts,
    claim: row.claim,
    worker,
  }));
}

/** Holds a claim for longer. Resolves to false where it was lost: then the work is somebody else's. */
export async function extendClaim(
  database: Database,
  grid: string,
  { file, claim }: ClaimedJob,
  claimFor: number,
): Promise<boolean> {
  const { rowCount } = await database.pool.query(
    `update repairer.jobs set claim_until = now() + $4 * interval '1 millisecond'
      where grid = $1 and storage_index = $2 and claim = $3 and state = 'claimed'`,
    [grid, file.storageIndex, claim, claimFor],
  );
  return rowCount === 1;
}

/** Gives a job back as it was before the claim, for another worker to take at once. */
export async function giveBackClaim(
  database: Database,
  grid: string,
  { file, claim }: ClaimedJob,
): Promise<void> {
  await database.pool.query(
    `update repairer.jobs set state = 'queued', attempts = attempts - 1, claimed_by = null, claim_until = null
      where grid = $1 and storage_index = $2 and claim = $3 and state = 'claimed'`,
    [grid, file.storageIndex, claim],
  );
}

function fileOf({ storage_index, verify_capability }: ClaimRow): RepairFile {
  if (verify_capability === null) return { kind: 'storage-index', storageIndex: storage_index };
  const capability = parseCapability(verify_capability);
  if (capability.kind !== 'CHK-Verifier') throw new Error('a job names what is no verify capability');
  return capability;
}
