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
}

/** What became of a request. `known`: the job is in the queue already. `contradicts`: see RefusalCode. */
export type AddResult = 'added' | 'known' | 'contradicts';

interface AddedRow {
  readonly storage_index: Buffer;
  readonly verify_capability: string | null;
  readonly added: boolean;
}

/** What is to be left as it is: it is in the queue, or what it came to is new enough. */
const stays = "(job.state in ('queued', 'claimed') or job.ended_at >= $7)";

const addStatement = `
  insert into repairer.jobs as job (grid, source, storage_index, verify_capability, verify, priority)
  select $1, $2, * from unnest($3::bytea[], $4::text[], $5::boolean[], $6::integer[])
  on conflict (grid, storage_index) do update set
    verify_capability = case when job.proven then job.verify_capability
                             else coalesce(excluded.verify_capability, job.verify_capability) end,
    verify = case when ${stays} then job.verify or excluded.verify else excluded.verify end,
    priority = case when ${stays} then least(job.priority, excluded.priority) else excluded.priority end,
    source = case when ${stays} then job.source else excluded.source end,
    generation = case when ${stays} then job.generation else job.generation + 1 end,
    attempts = case when ${stays} then job.attempts else 0 end,
    not_before = case when ${stays} then job.not_before end,
    queued_at = case when ${stays} then job.queued_at else now() end,
    state = case when ${stays} then job.state else 'queued' end
  returning storage_index, verify_capability, queued_at = now() as added`;

/**
 * Puts files into the queue of a grid, at most `mostAdded` at a time. A file has one job, by its storage index: asked
 * for again while it is in the queue it stays as it is, and takes only the capability, the full verification and the
 * higher priority from the request; after it has ended, or while it waits for servers, it is queued under a new
 * generation.
 *
 * @returns what became of each request, in their order
 */
export async function addJobs(
  database: Database,
  grid: string,
  { source, unlessEndedSince }: AddTerms,
  requests: readonly JobRequest[],
): Promise<AddResult[]> {
  if (requests.length > mostAdded) throw new RangeError(`${requests.length} jobs; at most ${mostAdded}`);
  const jobs = [...mergeRequests(requests).values()];
  // Named in one order by everybody, so that two who add the same files do not wait for each other.
  jobs.sort((a, b) => Buffer.compare(a.file.storageIndex, b.file.storageIndex));
  const { rows } = await database.pool.query<AddedRow>({
    name: 'add-jobs',
    text: addStatement,
    values: [
      grid,
      source,
      jobs.map(({ file }) => file.storageIndex),
      jobs.map(({ file }) => capabilityText(file) ?? null),
      jobs.map(({ verify }) => verify),
      jobs.map(({ priority }) => priority),
      unlessEndedSince ?? null,
    ],
  });
  const kept = new Map(rows.map((row) => [base32Encode(row.storage_index), row]));
  const counted = new Set<string>();
  return requests.map(({ file }) => {
    const index = base32Encode(file.storageIndex);
    const row = kept.get(index);
    const text = capabilityText(file);
    if (text !== undefined && text !== row?.verify_capability) return 'contradicts';
    if (!row?.added || counted.has(index)) return 'known';
    counted.add(index);
    return 'added';
  });
}

interface MergedRequest {
  readonly file: RepairFile;
  readonly verify: boolean;
  readonly priority: number;
}

/** One for each storage index. */
function mergeRequests(requests: readonly JobRequest[]): Map<string, MergedRequest> {
  const merged = new Map<string, MergedRequest>();
  for (const { file, verify = false, spareShares } of requests) {
    const index = base32Encode(file.storageIndex);
    const before = merged.get(index);
    const priority = spareShares ?? uncheckedPriority;
    merged.set(index, {
      file: before && before.file.kind !== 'storage-index' ? before.file : file,
      verify: verify || (before?.verify ?? false),
      priority: Math.min(priority, before?.priority ?? priority),
    });
  }
  return merged;
}

function capabilityText(file: RepairFile): string | undefined {
  return file.kind === 'storage-index' ? undefined : formatCapability(file);
}
