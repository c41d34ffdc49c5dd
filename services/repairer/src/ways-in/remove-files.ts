import type { Database } from '@holdfast/common/database';
import type { RemoveRepairsAnswer } from '@holdfast/common/repairs';
import { removeJobs } from '../queue/remove-jobs.js';
import { NotRepairableError, parseRepairFile } from '../queue/repair-file.js';

const beingDone = 'a repairer is working on it';

/**
 * Takes files from the queue by what names them, as many as may be added at a time. What names none, and what is being
 * done, is refused by its position.
 */
export async function removeFiles(
  database: Database,
  grid: string,
  names: readonly string[],
): Promise<RemoveRepairsAnswer> {
  const named: { position: number; storageIndex: Uint8Array }[] = [];
  const refused: RemoveRepairsAnswer['refused'] = [];
  names.forEach((name, position) => {
    try {
      named.push({ position, storageIndex: parseRepairFile(name).storageIndex });
    } catch (error) {
      if (!(error instanceof NotRepairableError)) throw error;
      refused.push({ position, code: error.code, reason: error.message });
    }
  });
  const results = await removeJobs(
    database,
    grid,
    named.map(({ storageIndex }) => storageIndex),
  );
  results.forEach((result, index) => {
    if (result === 'claimed')
      refused.push({ position: named[index]?.position ?? 0, code: 'being-done', reason: beingDone });
  });
  const count = (wanted: string) => results.filter((result) => result === wanted).length;
  refused.sort((a, b) => a.position - b.position);
  return { removed: count('removed'), absent: count('absent'), refused };
}
