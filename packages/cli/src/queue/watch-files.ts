import {
  addWatched,
  mostWatchedAtOnce,
  NotRepairableError,
  nobody,
  parseRepairFile,
  unwatchFiles,
  watchStatus,
} from '@holdfast/repairer';
import { UsageError } from '../exit-status.js';
import { withRepairerNode } from '../nodes/repairer-node.js';
import { formatTable } from '../table.js';
import { NotAllAddedError } from './add.js';
import { type Line, lines } from './lines.js';
import { formatAlarm } from './queue-formats.js';
import { type Refusal, tellRefusals } from './refusals.js';

/** What `holdfast queue watch add` and `remove` were asked. */
export interface WatchFilesOptions {
  readonly dir: string;
  /** A file with one name a line and `#` comments; `-` for standard input. */
  readonly file?: string;
  readonly account?: string;
  /** Of `remove`: the whole manifest. */
  readonly all?: true;
  readonly json?: true;
}

/**
 * Puts files under watch. Nothing that was named is ever shown.
 *
 * @throws UsageError, NotAllAddedError, or the system's error where the file cannot be read
 */
export async function addToWatch(names: readonly string[], options: WatchFilesOptions): Promise<void> {
  const { dir, file, json } = options;
  const account = accountOf(options);
  refuseNothing(names, file);
  let [added, known] = [0, 0];
  const refused: Refusal[] = [];
  await withRepairerNode(dir, async ({ database, grid }) => {
    for await (const batch of batches(lines(names, file))) {
      const texts = batch.map(({ text }) => text);
      const result = await addWatched(database, grid, account, texts);
      added += result.added;
      known += result.known;
      for (const { position, code, reason } of result.refused)
        refused.push({ line: batch[position]?.number ?? 0, code, reason });
    }
  });
  if (json) process.stdout.write(`${JSON.stringify({ added, known, refused })}\n`);
  else {
    tellRefusals(refused, file);
    process.stdout.write(`Put ${added} under watch; ${known} were in this manifest already.\n`);
  }
  if (refused.length > 0) throw new NotAllAddedError(refused.length, 'under watch');
}

/**
 * Takes files from an account's manifest.
 *
 * @throws UsageError, also where a line names no file
 */
export async function removeFromWatch(names: readonly string[], options: WatchFilesOptions): Promise<void> {
  const { dir, file, all, json } = options;
  const account = accountOf(options);
  if (!all) refuseNothing(names, file);
  else if (names.length > 0 || file !== undefined)
    throw new UsageError('expected names of files or --all, not both');
  let removed = 0;
  await withRepairerNode(dir, async ({ database, grid }) => {
    if (all) {
      for (let batch = -1; batch !== 0; removed += batch) batch = await unwatchFiles(database, grid, account);
      return;
    }
    for await (const batch of batches(lines(names, file)))
      removed += await unwatchFiles(database, grid, account, batch.map(storageIndexOfLine));
  });
  process.stdout.write(json ? `${JSON.stringify({ removed })}\n` : `Took ${removed} from this manifest.\n`);
}

/** Shows how the files under watch are doing. */
export async function showWatch({ dir, json }: { dir: string; json?: true }): Promise<void> {
  const status = await withRepairerNode(dir, ({ database, grid }) => watchStatus(database, grid));
  if (json) {
    process.stdout.write(`${JSON.stringify(status)}\n`);
    return;
  }
  const { active, leaving, suspected, gone } = status.servers;
  const total = status.files.reduce((sum, { files }) => sum + files, 0);
  const rows = status.files.map(({ spare, files }) => [String(spare ?? 'not known yet'), String(files)]);
  process.stdout.write(
    [
      formatAlarm(status.alarm),
      `${total} files under watch; ${status.scheduler ?? 'nobody'} schedules\n`,
      `servers: ${active} active, ${leaving} leaving, ${suspected} away, ${gone} given up\n`,
      ...(rows.length > 0 ? [`\n${formatTable([['spare shares', 'files'], ...rows])}`] : []),
    ].join(''),
  );
}

function accountOf({ account = nobody }: WatchFilesOptions): string {
  if (/^[\w.-]{0,64}$/.test(account)) return account;
  throw new UsageError('expected the name of an account: up to 64 of letters, digits and _.-');
}

function refuseNothing(names: readonly string[], file: string | undefined): void {
  if (names.length === 0 && file === undefined)
    throw new UsageError('expected capabilities or storage indexes, or --file');
}

function storageIndexOfLine({ number, text }: Line): Uint8Array {
  try {
    return parseRepairFile(text).storageIndex;
  } catch (error) {
    if (error instanceof NotRepairableError) throw new UsageError(`${number}: ${error.message}`);
    throw error;
  }
}

async function* batches(all: AsyncIterable<Line>): AsyncGenerator<Line[]> {
  let batch: Line[] = [];
  for await (const line of all) {
    batch.push(line);
    if (batch.length < mostWatchedAtOnce) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
