import type { Database } from '@holdfast/common/database';
import type { AddWatchedAnswer } from '@holdfast/common/repairs';
import { contradiction, NotRepairableError, parseRepairFile, type RepairFile } from '../queue/repair-file.js';
import { watchFiles } from './records/watched-files.js';

/**
 * Puts files under watch by what names them, at most `mostWatchedAtOnce` at a time. What names no file to repair is refused
 * by its position, and does not keep out the others.
 *
 * @param account whose manifest they belong to; '' for nobody's
 */
export async function addWatched(
  database: Database,
  grid: string,
  account: string,
  names: readonly string[],
): Promise<AddWatchedAnswer> {
  const files: { position: number; file: RepairFile }[] = [];
  const refused: AddWatchedAnswer['refused'] = [];
  names.forEach((name, position) => {
    try {
      files.push({ position, file: parseRepairFile(name) });
    } catch (error) {
      if (!(error instanceof NotRepairableError)) throw error;
      refused.push({ position, code: error.code, reason: error.message });
    }
  });
  const results = await watchFiles(
    database,
    grid,
    account,
    files.map(({ file }) => file),
  );
  results.forEach((result, index) => {
    const position = files[index]?.position ?? 0;
    if (result === 'contradicts') refused.push({ position, code: result, reason: contradiction });
  });
  const count = (wanted: string) => results.filter((result) => result === wanted).length;
  refused.sort((a, b) => a.position - b.position);
  return { added: count('added'), known: count('known'), refused };
}
