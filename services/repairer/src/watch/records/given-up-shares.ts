import { type FileHealth, spareShares } from '../decisions/index.js';
import type { FileBefore } from '../file-record.js';
import { beforeOf, type ServerKeys } from './due-checks.js';
import type { Queryable } from './queryable.js';

/** A file with its record. */
export interface RecordedFile extends FileBefore {
  readonly storageIndex: Uint8Array;
}

/** Some of the files that have shares on record which are on a server. Locked until the transaction ends. */
export async function filesWithSharesOn(
  database: Queryable,
  grid: string,
  key: number,
  { most, servers }: { readonly most: number; readonly servers: ServerKeys },
): Promise<RecordedFile[]> {
  const { rows } = await database.query<{
    storage_index: Buffer;
    needed: number | null;
    expected: number | null;
    share_numbers: number[];
    share_servers: number[];
  }>({
    name: 'files-with-shares-on',
    text: `
      select storage_index, needed, expected, share_numbers, share_servers from repairer.watched
       where grid = $1 and share_servers @> array[$2::integer] limit $3 for update skip locked`,
    values: [grid, key, most],
  });
  return rows.map((row) => ({ storageIndex: row.storage_index, ...beforeOf(row, servers) }));
}

/** Whether any file has shares on record that are on a server. */
export async function hasSharesOnRecord(database: Queryable, grid: string, key: number): Promise<boolean> {
  const { rows } = await database.query<{ found: boolean }>({
    name: 'has-shares-on-record',
    // Asked for all of them, so that Postgres goes by the index: for one it would rather look through the table, which is
    // all of it where there is none.
    text: `with found as materialized (
             select from repairer.watched where grid = $1 and share_servers @> array[$2::integer])
           select exists(select from found) as found`,
    values: [grid, key],
  });
  return rows[0]?.found ?? false;
}

/** What a file is without the shares that were struck off. */
export interface StruckFile {
  readonly storageIndex: Uint8Array;
  readonly health: FileHealth | undefined;
  /** Milliseconds until the next check, if it is not due before. */
  readonly nextCheckIn: number;
  readonly worthwhile: boolean;
}

/** Strikes the shares on a server off the records of files. */
export async function strikeShares(
  database: Queryable,
  grid: string,
  key: number,
  files: readonly StruckFile[],
): Promise<void> {
  await database.query({
    name: 'strike-shares',
    text: `
      update repairer.watched as file set
        (share_numbers, share_servers) = (
          select coalesce(array_agg(number), '{}'), coalesce(array_agg(server), '{}')
            from unnest(file.share_numbers, file.share_servers) as share(number, server) where server <> $2),
        readable = struck.readable, lasting = struck.lasting, happiness = struck.happiness,
        spare_shares = struck.spare,
        next_check = least(file.next_check, now() + struck.check_in * interval '1 millisecond'),
        repair = case when struck.worthwhile and file.repair = 'none' then 'wanted' else file.repair end
      from unnest($3::bytea[], $4::smallint[], $5::smallint[], $6::smallint[], $7::integer[], $8::bigint[],
                  $9::boolean[])
           as struck(storage_index, readable, lasting, happiness, spare, check_in, worthwhile)
      where file.grid = $1 and file.storage_index = struck.storage_index`,
    values: [
      grid,
      key,
      files.map(({ storageIndex }) => storageIndex),
      files.map(({ health }) => health?.readable ?? null),
      files.map(({ health }) => health?.lasting ?? null),
      files.map(({ health }) => health?.servers ?? null),
      files.map(({ health }) => (health ? spareShares(health) : null)),
      files.map(({ nextCheckIn }) => Math.round(nextCheckIn)),
      files.map(({ worthwhile }) => worthwhile),
    ],
  });
}
