import type { Database } from '@holdfast/common/database';
import type { CheckResults } from '@holdfast/grid';
import { isRepairWorthwhile } from './decisions/index.js';
import { recordCheck } from './file-record.js';
import type { RecordedServers } from './recorded-servers.js';
import { readRecord } from './records/due-checks.js';
import type { WatchTerms } from './terms.js';

/**
 * Whether a file that the watch wanted to be repaired is still to be, by what the worker has found just now: servers may be
 * back, or this worker alone may not reach them.
 */
export async function isStillWorthwhile(
  results: CheckResults,
  servers: RecordedServers,
  {
    database,
    grid,
    terms,
  }: { readonly database: Database; readonly grid: string; readonly terms: WatchTerms },
): Promise<boolean> {
  const before = await readRecord(database.pool, grid, results.storageIndex, servers);
  // No longer under watch: whoever asked for it may have it.
  if (!before) return true;
  const { health } = recordCheck(results, before, servers.stateOf);
  return health !== undefined && isRepairWorthwhile(health, terms.threshold, servers.usable);
}
