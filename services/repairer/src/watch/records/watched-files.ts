import type { Database } from '@holdfast/common/database';
import { base32Encode, formatCapability } from '@holdfast/lafs';
import type { AddResult } from '../../queue/add-jobs.js';
import type { RepairFile } from '../../queue/repair-file.js';
import type { Queryable } from './queryable.js';

/** Most files that one statement adds or removes. */
export const mostWatchedAtOnce = 1_000;

/** For whom a file is under watch where nobody was named. */
export const nobody = '';

/**
 * Puts files under watch, at most `mostWatchedAtOnce` at a time, for an account's manifest or for nobody in particular.
 * Of a file that is under watch by its storage index the capability is taken. A different one is kept beside it and tried in
 * its turn, until shares have proven one; then it contradicts.
 *
 * @returns what became of each, in their order
 */
export async function watchFiles(
  database: Database,
  grid: string,
  account: string,
  files: readonly RepairFile[],
): Promise<AddResult[]> {
  if (files.length > mostWatchedAtOnce) throw new RangeError(`${files.length} files at once`);
  const merged = new Map<string, RepairFile>();
  for (const file of files) {
    const index = base32Encode(file.storageIndex);
    const before = merged.get(index);
    if (!before || before.kind === 'storage-index') merged.set(index, file);
  }
  const others = new Map<string, RepairFile>();
  for (const file of files) {
    const index = base32Encode(file.storageIndex);
    const first = merged.get(index);
    if (first && file.kind !== 'storage-index' && capabilityText(file) !== capabilityText(first))
      others.set(index, file);
  }
  const indexes = inOrder(merged).map(({ storageIndex }) => storageIndex);
  const { rows } = await database.transaction(async (client) => {
    let kept = await nameFiles(client, grid, inOrder(merged));
    if (others.size > 0) kept = [...kept, ...(await nameFiles(client, grid, inOrder(others)))];
    const added = await client.query<{ storage_index: Buffer }>(
      `insert into repairer.watched_for (grid, account, storage_index) select $1, $2, unnest($3::bytea[])
       on conflict do nothing returning storage_index`,
      [grid, account, indexes],
    );
    const isNew = new Set(added.rows.map(({ storage_index }) => base32Encode(storage_index)));
    return { rows: kept.map((row) => ({ ...row, added: isNew.has(base32Encode(row.storage_index)) })) };
  });
  const byIndex = new Map(rows.map((row) => [base32Encode(row.storage_index), row]));
  const counted = new Set<string>();
  return files.map((file) => {
    const index = base32Encode(file.storageIndex);
    const row = byIndex.get(index);
    const text = capabilityText(file);
    if (text !== undefined && text !== row?.verify_capability && text !== row?.other_capability)
      return 'contradicts';
    if (!row?.added || counted.has(index)) return 'known';
    counted.add(index);
    return 'added';
  });
}

interface NamedRow {
  readonly storage_index: Buffer;
  readonly verify_capability: string | null;
  readonly other_capability: string | null;
}

async function nameFiles(
  database: Queryable,
  grid: string,
  files: readonly RepairFile[],
): Promise<NamedRow[]> {
  const { rows } = await database.query<NamedRow>(
    `insert into repairer.watched as file (grid, storage_index, verify_capability)
     select $1, * from unnest($2::bytea[], $3::text[])
     on conflict (grid, storage_index) do update set
       verify_capability = coalesce(file.verify_capability, excluded.verify_capability),
       other_capability = case when file.proven or excluded.verify_capability is null
                                 or file.verify_capability is null
                                 or excluded.verify_capability = file.verify_capability
                               then file.other_capability else excluded.verify_capability end
     returning storage_index, verify_capability, other_capability`,
    [grid, files.map(({ storageIndex }) => storageIndex), files.map((file) => capabilityText(file) ?? null)],
  );
  return rows;
}

/** Named in one order by everybody, so that two who add the same files do not wait for each other. */
function inOrder(files: ReadonlyMap<string, RepairFile>): RepairFile[] {
  return [...files.values()].sort((a, b) => Buffer.compare(a.storageIndex, b.storageIndex));
}

/**
 * Takes files from an account's manifest, at most `mostWatchedAtOnce` at a time; those that nobody else has in one are no
 * longer under watch.
 *
 * @param storageIndexes which; as many as may go at once of all the account has, where not given
 * @returns how many
 */
export async function unwatchFiles(
  database: Database,
  grid: string,
  account: string,
  storageIndexes?: readonly Uint8Array[],
): Promise<number> {
  return database.transaction(async (client) => {
    // Locked first: whoever puts the file under watch for somebody else meanwhile waits, or is waited for.
    const { rows } = await client.query<{ storage_index: Buffer }>(
      `select storage_index from repairer.watched
        where grid = $1 and storage_index in (
          select storage_index from repairer.watched_for
           where grid = $1 and account = $2 and ($3::bytea[] is null or storage_index = any($3))
           order by storage_index limit $4)
        order by storage_index for update`,
      [grid, account, storageIndexes ?? null, mostWatchedAtOnce],
    );
    const indexes = rows.map(({ storage_index }) => storage_index);
    const { rowCount } = await client.query(
      `delete from repairer.watched_for where grid = $1 and account = $2 and storage_index = any($3)`,
      [grid, account, indexes],
    );
    await client.query(
      `delete from repairer.watched as file where grid = $1 and storage_index = any($2)
          and not exists (select from repairer.watched_for as manifest
                           where manifest.grid = file.grid and manifest.storage_index = file.storage_index)`,
      [grid, indexes],
    );
    return rowCount ?? 0;
  });
}

function capabilityText(file: RepairFile): string | undefined {
  return file.kind === 'storage-index' ? undefined : formatCapability(file);
}
