import type { ShareLocation } from '@holdfast/grid';
import { formatCapability, parseCapability } from '@holdfast/lafs';
import type { RepairFile } from '../../queue/repair-file.js';
import { type FileHealth, spareShares } from '../decisions/index.js';
import type { FileBefore, FileRecord } from '../file-record.js';
import type { Queryable } from './queryable.js';

/** A file whose check a worker has taken. */
export interface DueCheck extends FileBefore {
  readonly file: RepairFile;
  /** Whether it was never checked before. */
  readonly isFirst: boolean;
}

/** Which servers the keys in records stand for, and the other way round. */
export interface ServerKeys {
  idOf(key: number): string | undefined;
  keyOf(serverId: string): number | undefined;
}

interface DueRow {
  readonly storage_index: Buffer;
  readonly verify_capability: string | null;
  readonly needed: number | null;
  readonly expected: number | null;
  readonly share_numbers: number[];
  readonly share_servers: number[];
  readonly checked_at: Date | null;
}

/**
 * Takes the checks that have been due for the longest time. Those that were never made get a quarter of the places, or all
 * that the others leave: neither a long new list nor many rechecks hold the other up.
 *
 * @param within milliseconds: a check whose worker was lost is due again after so long
 */
export async function takeDueChecks(
  database: Queryable,
  grid: string,
  { most, within, servers }: { readonly most: number; readonly within: number; readonly servers: ServerKeys },
): Promise<DueCheck[]> {
  const { rows } = await database.query<DueRow>({
    name: 'take-due-checks',
    text: `
      with again as (
        select storage_index from repairer.watched
         where grid = $1 and checked_at is not null and next_check <= now()
         order by next_check limit ceil($2::integer * 0.75) for update skip locked),
      first as (
        select storage_index from repairer.watched
         where grid = $1 and checked_at is null and next_check <= now()
         order by next_check limit $2::integer - (select count(*) from again) for update skip locked)
      update repairer.watched as file set next_check = now() + $3 * interval '1 millisecond'
       where grid = $1 and storage_index in (select * from again union all select * from first)
      returning storage_index, verify_capability, needed, expected, share_numbers, share_servers, checked_at`,
    values: [grid, most, within],
  });
  return rows.map((row) => ({
    file: fileOf(row),
    isFirst: row.checked_at === null,
    ...beforeOf(row, servers),
  }));
}

/** What is on record of a file; undefined where it is not under watch. */
export async function readRecord(
  database: Queryable,
  grid: string,
  storageIndex: Uint8Array,
  servers: Pick<ServerKeys, 'idOf'>,
): Promise<FileBefore | undefined> {
  const { rows } = await database.query<
    Pick<DueRow, 'needed' | 'expected' | 'share_numbers' | 'share_servers'>
  >({
    name: 'read-watched-record',
    text: `select needed, expected, share_numbers, share_servers from repairer.watched
            where grid = $1 and storage_index = $2`,
    values: [grid, storageIndex],
  });
  const [row] = rows;
  return row && beforeOf(row, servers);
}

/** What a check came to. */
export interface CheckEnd {
  readonly file: RepairFile;
  /** Whether a share was found to be of the file that the capability names. */
  readonly proven: boolean;
  readonly record: FileRecord;
  /** Milliseconds until the next. */
  readonly nextCheckIn: number;
  /** Whether the file is to be repaired. */
  readonly worthwhile: boolean;
}

/** Whether the file was just repaired, and is no worse than that left it. */
const resting = `coalesce(file.repaired_at >= now() - $15 * interval '1 millisecond'
                          and ended.spare_shares >= coalesce(file.spare_after_repair, ended.spare_shares), false)`;

/** Whether the capability is to yield to another that was named: nothing proves it. */
const yields = `(file.other_capability is not null and file.verify_capability = ended.verify_capability
                 and not ended.proven)`;

/**
 * Writes checks of different files down, in one commit. A file that was just repaired and still is not what it should be
 * is not repaired again at once: the grid may not have the servers for it. It is where it has lost more since.
 *
 * @param restAfterRepair milliseconds
 */
export async function recordCheckEnds(
  database: Queryable,
  grid: string,
  ends: readonly CheckEnd[],
  { servers, restAfterRepair }: { readonly servers: ServerKeys; readonly restAfterRepair: number },
): Promise<void> {
  const shares = ends.map(({ record }) => keyed(record.shares, servers));
  const health = (of: (health: FileHealth) => number) =>
    ends.map(({ record }) => record.health && of(record.health));
  await database.query({
    name: 'record-check-ends',
    // Locked in one order first, so that nobody who changes many files too waits in a circle.
    text: `
      with ended as (
        select * from unnest($2::bytea[], $3::smallint[], $4::smallint[], $5::smallint[], $6::smallint[], $7::smallint[],
                             $8::integer[], $9::text[], $10::text[], $11::bigint[], $12::boolean[], $13::text[],
                             $14::boolean[])
          as ended (storage_index, needed, expected, readable, lasting, happiness, spare_shares, share_numbers,
                    share_servers, next_check_in, worthwhile, verify_capability, proven)),
      locked as (
        select storage_index from repairer.watched where grid = $1 and storage_index = any($2)
         order by storage_index for update)
      update repairer.watched as file set
        needed = ended.needed, expected = ended.expected, readable = ended.readable, lasting = ended.lasting,
        happiness = ended.happiness, spare_shares = ended.spare_shares,
        share_numbers = ended.share_numbers::smallint[], share_servers = ended.share_servers::integer[],
        checked_at = now(),
        next_check = least(now() + ended.next_check_in * interval '1 millisecond',
                           case when ${yields} then now() + interval '1 hour' end,
                           case when ended.worthwhile and ${resting}
                                then file.repaired_at + $15 * interval '1 millisecond' end),
        repair = case when file.repair = 'queued' then 'queued'
                      when ended.worthwhile and not ${resting} and not ${yields} then 'wanted' else 'none' end,
        proven = case when ended.proven and file.verify_capability = ended.verify_capability then true
                      else file.proven and not ${yields} end,
        verify_capability = case when ${yields} then file.other_capability else file.verify_capability end,
        other_capability = case when ${yields} then file.verify_capability
                                when ended.proven and file.verify_capability = ended.verify_capability then null
                                else file.other_capability end
      from ended join locked using (storage_index)
      where file.grid = $1 and file.storage_index = ended.storage_index`,
    values: [
      grid,
      ends.map(({ file }) => file.storageIndex),
      health(({ needed }) => needed),
      health(({ expected }) => expected),
      health(({ readable }) => readable),
      health(({ lasting }) => lasting),
      health((known) => known.servers),
      health(spareShares),
      shares.map((them) => arrayText(them.map(({ shareNumber }) => shareNumber))),
      shares.map((them) => arrayText(them.map(({ key }) => key))),
      ends.map(({ nextCheckIn }) => Math.round(nextCheckIn)),
      ends.map(({ worthwhile }) => worthwhile),
      ends.map(({ file }) => (file.kind === 'storage-index' ? null : formatCapability(file))),
      ends.map(({ proven }) => proven),
      restAfterRepair,
    ],
  });
}

/** An array of numbers within an array: Postgres has no arrays of arrays of different lengths. */
function arrayText(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`;
}

/** Puts a check that came to nothing off. What is on record stays. */
export async function postponeCheck(
  database: Queryable,
  grid: string,
  storageIndex: Uint8Array,
  by: number,
): Promise<void> {
  await database.query(
    `update repairer.watched set next_check = now() + $3 * interval '1 millisecond'
      where grid = $1 and storage_index = $2`,
    [grid, storageIndex, Math.round(by)],
  );
}

/** A file's record as it is in its row. */
export function beforeOf(
  row: Pick<DueRow, 'needed' | 'expected' | 'share_numbers' | 'share_servers'>,
  servers: Pick<ServerKeys, 'idOf'>,
): FileBefore {
  const shares = row.share_servers.flatMap((key, index) => {
    const [serverId, shareNumber] = [servers.idOf(key), row.share_numbers[index]];
    return serverId === undefined || shareNumber === undefined ? [] : [{ serverId, shareNumber }];
  });
  return { shares, needed: row.needed ?? undefined, expected: row.expected ?? undefined };
}

function keyed(shares: readonly ShareLocation[], servers: Pick<ServerKeys, 'keyOf'>) {
  return shares.flatMap(({ shareNumber, serverId }) => {
    const key = servers.keyOf(serverId);
    return key === undefined ? [] : [{ shareNumber, key }];
  });
}

/** @throws Error where the row holds what was never put there */
export function fileOf({
  storage_index,
  verify_capability,
}: Pick<DueRow, 'storage_index' | 'verify_capability'>): RepairFile {
  if (verify_capability === null) return { kind: 'storage-index', storageIndex: storage_index };
  const capability = parseCapability(verify_capability);
  if (capability.kind !== 'CHK-Verifier')
    throw new Error('a watched file is named by what is no verify capability');
  return capability;
}
