import type { Database } from '@holdfast/common/database';
import { base32Encode } from '@holdfast/lafs';
import { type AddResult, addJobs } from '../queue/add-jobs.js';
import { jobStates } from '../queue/job-states.js';
import {
  contradiction,
  formatRepairFile,
  NotRepairableError,
  parseRepairFile,
  type RepairFile,
} from '../queue/repair-file.js';
import type { SpoolEntry } from './spool-entries.js';

/** An entry that cannot be repaired, as it is written beside its file: with no more authority than repairing needs. */
export interface FailedEntry {
  readonly text: string;
  readonly reason: string;
}

/** How a batch of entries is doing. */
export interface EntriesProgress {
  /** Entries whose jobs are still to be done. */
  readonly unfinished: number;
  /** Of these, entries whose jobs are put off until servers that are away are back, or given up. */
  readonly postponed: number;
  readonly failed: readonly FailedEntry[];
  /** Jobs that were queued by this. */
  readonly added: number;
}

/**
 * Sees to it that each entry has a job, and looks how the jobs are doing. May be done again and again, by anybody: a job
 * that has ended since the file was first seen stays as it ended.
 *
 * @param seenAt when the file was first seen, by the clock of Postgres
 */
export async function followEntries(
  database: Database,
  grid: string,
  seenAt: Date,
  entries: readonly SpoolEntry[],
): Promise<EntriesProgress> {
  const failed: FailedEntry[] = [];
  const files: RepairFile[] = [];
  for (const { text } of entries) {
    try {
      files.push(parseRepairFile(text));
    } catch (error) {
      if (!(error instanceof NotRepairableError)) throw error;
      failed.push({ text, reason: error.message });
    }
  }
  const requests = files.map((file) => ({ file }));
  const terms = { source: 'spool', unlessEndedSince: seenAt };
  const results: AddResult[] = await addJobs(database, grid, terms, requests);
  const standings = await jobStates(
    database,
    grid,
    files.map(({ storageIndex }) => storageIndex),
  );
  let unfinished = 0;
  let postponed = 0;
  files.forEach((file, index) => {
    const text = formatRepairFile(file);
    const standing = standings.get(base32Encode(file.storageIndex));
    if (results[index] === 'contradicts') failed.push({ text, reason: contradiction });
    else if (standing?.state === 'failed') failed.push({ text, reason: standing.lastError ?? 'failed' });
    else if (standing?.state === 'waiting')
      failed.push({
        text,
        reason: `${standing.lastError ?? 'too few shares'}; tried again when servers return`,
      });
    else if (standing?.state !== 'done') {
      unfinished++;
      if (standing?.postponed) postponed++;
    }
  });
  return { unfinished, postponed, failed, added: results.filter((result) => result === 'added').length };
}
