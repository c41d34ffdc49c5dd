import type { Database } from '@holdfast/common/database';
import type { AddRepairsAnswer } from '@holdfast/common/repairs';
import { type AddTerms, addJobs, type JobRequest } from '../queue/add-jobs.js';
import { contradiction, NotRepairableError, parseRepairFile } from '../queue/repair-file.js';
import { nobody, watchFiles } from '../watch/records/watched-files.js';

/** What became of files that were asked for by their names; the answer holds none of these. */
export type AddedFiles = AddRepairsAnswer;

/**
 * Puts files into the queue by what names them, at most `mostAdded` at a time. What names no file to repair is refused
 * by its position, and does not keep out the others.
 *
 * @param terms with `watch`, the files are put under watch too, for nobody in particular
 */
export async function addFiles(
  database: Database,
  grid: string,
  terms: AddTerms & { readonly verify: boolean; readonly watch: boolean },
  names: readonly string[],
): Promise<AddedFiles> {
  const { verify, watch, ...asked } = terms;
  const requests: { position: number; request: JobRequest }[] = [];
  const refused: AddedFiles['refused'][number][] = [];
  names.forEach((name, position) => {
    try {
      requests.push({ position, request: { file: parseRepairFile(name), verify } });
    } catch (error) {
      if (!(error instanceof NotRepairableError)) throw error;
      refused.push({ position, code: error.code, reason: error.message });
    }
  });
  const results = await addJobs(
    database,
    grid,
    asked,
    requests.map(({ request }) => request),
  );
  if (watch) {
    const taken = requests.filter((_, index) => results[index] !== 'contradicts');
    await watchFiles(
      database,
      grid,
      nobody,
      taken.map(({ request }) => request.file),
    );
  }
  results.forEach((result, index) => {
    const position = requests[index]?.position ?? 0;
    if (result === 'contradicts') refused.push({ position, code: result, reason: contradiction });
  });
  const count = (wanted: string) => results.filter((result) => result === wanted).length;
  refused.sort((a, b) => a.position - b.position);
  return { added: count('added'), known: count('known'), refused };
}
