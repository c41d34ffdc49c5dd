import type { Database } from '@holdfast/common/database';
import { addJobs, mostAdded } from '../../queue/add-jobs.js';
import { jobsToAdmit, type NetworkSuspicion } from '../decisions/index.js';
import type { Queryable } from '../records/queryable.js';
import { countQueued, listWanted, noteQueued, takeProven } from '../records/wanted-repairs.js';

/** The source of the jobs that the watch puts into the queue. */
const watchSource = 'watch';

/** What admitting needs. */
export interface AdmitOptions {
  readonly database: Database;
  readonly grid: string;
  /** Jobs of the watch that may be in the queue at once. */
  readonly backlog: number;
}

/**
 * Puts jobs into the queue for files whose repair is wanted, those with the fewest spare shares first. Where it is broken
 * off between the job and the note of it, the job is known the next time.
 *
 * @param own the connection of the scheduler's lock
 * @returns how many were added
 */
export async function admitRepairs(
  own: Queryable,
  network: NetworkSuspicion,
  { database, grid, backlog }: AdmitOptions,
): Promise<number> {
  const waiting = await countQueued(own, grid, backlog);
  const room = jobsToAdmit({ suspected: network.suspected, backlog, waiting });
  if (room === 0) return 0;
  const wanted = await listWanted(own, grid, Math.min(room, mostAdded));
  if (wanted.length === 0) return 0;
  // What is worthwhile was decided with the servers that are away in mind: it waits for none, and joins no job that does.
  const terms = { source: watchSource, onlyIfWorthwhile: true, now: true };
  const results = await addJobs(database, grid, terms, wanted);
  const withResult = (matches: (result: (typeof results)[number] | undefined) => boolean) =>
    wanted.filter((_, index) => matches(results[index])).map(({ file }) => file.storageIndex);
  await noteQueued(
    own,
    grid,
    withResult((result) => result !== 'contradicts'),
  );
  await takeProven(
    own,
    grid,
    withResult((result) => result === 'contradicts'),
  );
  return results.filter((result) => result === 'added').length;
}
