import type { Database } from '@holdfast/common/database';
import type { SpoolFileIdentity } from './spool-file-identity.js';

/**
 * When a file was first seen, by the clock of Postgres; now, where it was not seen before.
 */
export async function seenSince(database: Database, grid: string, file: SpoolFileIdentity): Promise<Date> {
  const { rows } = await database.pool.query<{ seen_at: Date }>(
    `insert into repairer.spool_files (grid, name, size, modified_ms) values ($1, $2, $3, $4)
     on conflict (grid, name, size, modified_ms) do update set size = excluded.size
     returning date_trunc('milliseconds', seen_at) as seen_at`,
    [grid, file.name, file.size, file.modified],
  );
  return rows[0]?.seen_at ?? new Date();
}

/** Forgets a file that is done with. */
export async function forgetSpoolFile(
  database: Database,
  grid: string,
  file: SpoolFileIdentity,
): Promise<void> {
  await database.pool.query(
    `delete from repairer.spool_files where grid = $1 and name = $2 and size = $3 and modified_ms = $4`,
    [grid, file.name, file.size, file.modified],
  );
}
