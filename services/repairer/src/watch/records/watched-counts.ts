import type { Queryable } from './queryable.js';

/** Most changes that are added up by one statement. */
const batch = 10_000;
/** Stands in the table for a number of spare shares that is not known. */
const unknownSpare = -1000;

/** Adds up what changed. For one process at a time. */
export async function addUpCounts(database: Queryable, grid: string): Promise<void> {
  await database.query({
    name: 'add-up-watched-counts',
    text: `
      with taken as (
        delete from repairer.watched_changes where ctid = any(array(
          select ctid from repairer.watched_changes where grid = $1 limit $2))
        returning spare_shares, files)
      insert into repairer.watched_counts as counted (grid, spare_shares, files)
      select $1, spare_shares, sum(files) from taken group by spare_shares having sum(files) <> 0
      on conflict (grid, spare_shares) do update set files = counted.files + excluded.files`,
    values: [grid, batch],
  });
}

/** Files by spare shares, fewest first; undefined for those that were never checked or never said how many they need. */
export async function watchedCounts(
  database: Queryable,
  grid: string,
): Promise<{ spare: number | undefined; files: number }[]> {
  const { rows } = await database.query<{ spare_shares: number; files: number }>({
    name: 'watched-counts',
    text: `select spare_shares, files from repairer.watched_counts
            where grid = $1 and files > 0 order by spare_shares`,
    values: [grid],
  });
  return rows.map(({ spare_shares, files }) => ({
    spare: spare_shares === unknownSpare ? undefined : spare_shares,
    files,
  }));
}
