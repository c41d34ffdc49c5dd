import type { Database } from '@holdfast/common/database';
import { base32Encode, formatCapability } from '@holdfast/lafs';
import type { RepairFile } from './repair-file.js';

/** Most jobs that are added by one statement. */
export const mostAdded = 1_000;

/**
 * The priority of a file that was never checked: after those that are known to be about to get lost, before those that
 * are known to be well.
 */
export const uncheckedPriority = 2;

/** What is asked for with a file. */
export interface JobRequest {
  readonly file: RepairFile;
  /** Whether every byte of its shares is to be read. */
  readonly verify?: boolean;
  /** How many shares can still be lost, where that is known; it comes before files that have more. */
  readonly spareShares?: number;
}

/** Who asks, and when an answer that is there already will do. */
export interface AddTerms {
  /** In a few words without secrets: `spool`, `drain v0-…`. */
  readonly source: string;
  /** A job that has ended since then, by the clock of Postgres, stays as it ended. */
  readonly unlessEndedSince?: Date;
  /** Whether the files are repaired only where the watch finds that worth it. */
  readonly onlyIfWorthwhile?: boolean;
  /** Whether storage servers that are away and expected back are not waited for. */
  readonly now?: boolean;
}

/** What became of a request. `known`: the job is in the queue already. `contradicts`: see RefusalCode. */
export type AddResult = 'added' | 'known' | 'contradicts';

interface AddedRow {
  readonly storage_index: Buffer;
  readonly verify_capability: string | null;
  readonly other_capability: string | null;
  readonly added: boolean;
}

/** What is to be left as it is: it is in the queue, or what it came to is new enough and all that is asked for. */
const stays = `(job.state in ('queued', 'claimed') or coalesce(job.ended_at >= $7, false)
  and (job.last_result is distinct from 'not-worthwhile' or excluded.only_if_worthwhile))`;

/** What the shares were found to belong to, and can be read by. */
const settled = "(job.proven and coalesce(job.last_result, '') not in ('unrecoverable', 'failed'))";

/** A number from which claims are counted that no job had before which was at this storage index, and was removed. */
const unusedClaim = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

/** What a job that is there becomes, column by column. */
const changes = {
  verify_capability: 'coalesce(job.verify_capability, excluded.verify_capability)',
  other_capability: `case when ${settled} or excluded.verify_capability is null or job.verify_capability is null
                            or excluded.verify_capability = job.verify_capability
                          then job.other_capability else excluded.verify_capability end`,
  verify: `case when ${stays} then job.verify or excluded.verify else excluded.verify end`,
  only_if_worthwhile: `excluded.only_if_worthwhile and (job.only_if_worthwhile or not ${stays})`,
  patient: `excluded.patient and (job.patient or not ${stays})`,
  priority: `case when ${stays} then least(job.priority, excluded.spare_shares)
                  else coalesce(excluded.spare_shares, job.spare_shares, ${uncheckedPriority}) end`,
  source: `case when ${stays} and (excluded.only_if_worthwhile or not job.only_if_worthwhile)
                then job.source else excluded.source end`,
  generation: `case when ${stays} then job.generation else job.generation + 1 end`,
  attempts: `case when ${stays} then job.attempts else 0 end`,
  not_before: `case when ${stays} and (excluded.patient or job.last_result is distinct from 'postponed')
                    then job.not_before end`,
  queued_at: `case when ${stays} then job.queued_at else now() end`,
  state: `case when ${stays} then job.state else 'queued' end`,
};

const columns = Object.keys(changes);

/** Where nothing is new nothing is written: a spool folder asks for the same files again and again. */
const addStatement = `
  insert into repairer.jobs as job (grid, source, storage_index, verify_capability, verify, spare_shares, priority,
                                    only_if_worthwhile, patient, claim)
  select $1, $2, file.*, coalesce(file.spare, ${uncheckedPriority}), $8, not $9::boolean, ${unusedClaim}
    from unnest($3::bytea[], $4::text[], $5::boolean[], $6::integer[]) as file(storage_index, capability, verify, spare)
  on conflict (grid, storage_index) do update set
    ${Object.entries(changes)
      .map(([column, value]) => `${column} = ${value}`)
      .join(', ')}
    where (${columns.map((column) => `job.${column}`).join(', ')})
          is distinct from (${Object.values(changes).join(', ')})
  returning storage_index, verify_capability, other_capability, queued_at = now() as added`;

/**
 * Puts files into the queue of a grid, at most `mostAdded` at a time. A file has one job, by its storage index: asked
 * for again while it is in the queue it stays as it is, and takes from the request what is more than it has: the
 * capability, the full verification, the higher priority, the repair in any case, or at once. After it has ended, or
 * while it waits for servers, it is queued under a new generation. Until shares have proven the capability of a job,
 * another one is kept beside it, and tried where the first comes to nothing.
 *
 * @returns what became of each request, in their order
 */
export async function addJobs(
  database: Database,
  grid: string,
  terms: AddTerms,
  requests: readonly JobRequest[],
): Promise<AddResult[]> {
  if (requests.length > mostAdded) throw new RangeError(`${requests.length} jobs; at most ${mostAdded}`);
  const jobs = mergeRequests(requests);
  const kept = await addMerged(database, grid, terms, jobs);
  const others = otherNames(requests, jobs);
  if (others.size > 0)
    for (const [index, row] of await addMerged(database, grid, terms, others))
      kept.set(index, { ...row, added: row.added || (kept.get(index)?.added ?? false) });
  const counted = new Set<string>();
  return requests.map(({ file }) => {
    const index = base32Encode(file.storageIndex);
    const row = kept.get(index);
    const text = capabilityText(file);
    // It was there, and somebody removed it in this moment.
    if (!row) return 'known';
    if (text !== undefined && text !== row.verify_capability && text !== row.other_capability)
      return 'contradicts';
    if (!row.added || counted.has(index)) return 'known';
    counted.add(index);
    return 'added';
  });
}

type MergedRequests = ReadonlyMap<string, MergedRequest>;

async function addMerged(
  database: Database,
  grid: string,
  { source, unlessEndedSince, onlyIfWorthwhile = false, now = false }: AddTerms,
  merged: MergedRequests,
): Promise<Map<string, AddedRow>> {
  // Named in one order by everybody, so that two who add the same files do not wait for each other.
  const jobs = [...merged.values()].sort((a, b) => Buffer.compare(a.file.storageIndex, b.file.storageIndex));
  const { rows } = await database.pool.query<AddedRow>({
    name: 'add-jobs',
    text: addStatement,
    values: [
      grid,
      source,
      jobs.map(({ file }) => file.storageIndex),
      jobs.map(({ file }) => capabilityText(file) ?? null),
      jobs.map(({ verify }) => verify),
      jobs.map(({ spareShares }) => spareShares ?? null),
      unlessEndedSince ?? null,
      onlyIfWorthwhile,
      now,
    ],
  });
  const kept = new Map(rows.map((row) => [base32Encode(row.storage_index), row]));
  const unchanged = jobs.filter(({ file }) => !kept.has(base32Encode(file.storageIndex)));
  if (unchanged.length > 0)
    for (const row of await readUnchanged(database, grid, unchanged))
      kept.set(base32Encode(row.storage_index), row);
  return kept;
}

/** A statement of its own: the one before does not see jobs that others added since it began. */
async function readUnchanged(
  database: Database,
  grid: string,
  jobs: readonly MergedRequest[],
): Promise<AddedRow[]> {
  const { rows } = await database.pool.query<AddedRow>(
    `select storage_index, verify_capability, other_capability, false as added from repairer.jobs
      where grid = $1 and storage_index = any($2)`,
    [grid, jobs.map(({ file }) => file.storageIndex)],
  );
  return rows;
}

interface MergedRequest {
  readonly file: RepairFile;
  readonly verify: boolean;
  readonly spareShares: number | undefined;
}

/** One for each storage index. */
function mergeRequests(requests: readonly JobRequest[]): Map<string, MergedRequest> {
  const merged = new Map<string, MergedRequest>();
  for (const { file, verify = false, spareShares } of requests) {
    const index = base32Encode(file.storageIndex);
    const before = merged.get(index);
    const spare = [spareShares, before?.spareShares].filter((known) => known !== undefined);
    merged.set(index, {
      file: before && before.file.kind !== 'storage-index' ? before.file : file,
      verify: verify || (before?.verify ?? false),
      spareShares: spare.length > 0 ? Math.min(...spare) : undefined,
    });
  }
  return merged;
}

/** Of storage indexes that are named with more than one capability, a second one. */
function otherNames(requests: readonly JobRequest[], merged: MergedRequests): MergedRequests {
  const others = new Map<string, MergedRequest>();
  for (const { file } of requests) {
    const index = base32Encode(file.storageIndex);
    const first = merged.get(index);
    if (first && file.kind !== 'storage-index' && capabilityText(first.file) !== capabilityText(file))
      others.set(index, { ...first, file });
  }
  return others;
}

function capabilityText(file: RepairFile): string | undefined {
  return file.kind === 'storage-index' ? undefined : formatCapability(file);
}
