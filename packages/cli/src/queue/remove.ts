import { mostAdded, removeFiles } from '@holdfast/repairer';
import { UsageError } from '../exit-status.js';
import { withRepairerNode } from '../nodes/repairer-node.js';
import { type Line, lines } from './lines.js';
import { type Refusal, tellRefusals } from './refusals.js';

/** What `holdfast queue remove` was asked. */
export interface RemoveOptions {
  readonly dir: string;
  /** A file with one name a line and `#` comments; `-` for standard input. */
  readonly file?: string;
  readonly json?: true;
}

/** Some of what was named names no file, or is being worked on; the rest is no longer in the queue. */
export class NotAllRemovedError extends Error {
  override readonly name = 'NotAllRemovedError';
  readonly code = 'not-all-removed';

  constructor(readonly refused: number) {
    super(`${refused} of what was named cannot be removed; all others are not in the queue any more`);
  }
}

/**
 * Takes files from the queue: named on the command line, in a file, or both.
 *
 * @throws UsageError, NotAllRemovedError, or the system's error where the file cannot be read
 */
export async function removeFromQueue(names: readonly string[], options: RemoveOptions): Promise<void> {
  const { dir, file, json } = options;
  if (names.length === 0 && file === undefined)
    throw new UsageError('expected capabilities or storage indexes, or --file');
  let [removed, absent] = [0, 0];
  const refused: Refusal[] = [];
  await withRepairerNode(dir, async ({ database, grid }) => {
    const removeBatch = async (batch: readonly Line[]) => {
      const result = await removeFiles(
        database,
        grid,
        batch.map(({ text }) => text),
      );
      removed += result.removed;
      absent += result.absent;
      for (const { position, code, reason } of result.refused)
        refused.push({ line: batch[position]?.number ?? 0, code, reason });
    };
    let batch: Line[] = [];
    for await (const line of lines(names, file)) {
      batch.push(line);
      if (batch.length < mostAdded) continue;
      await removeBatch(batch);
      batch = [];
    }
    await removeBatch(batch);
  });
  if (json) process.stdout.write(`${JSON.stringify({ removed, absent, refused })}\n`);
  else {
    tellRefusals(refused, file);
    process.stdout.write(`Removed ${removed} from the queue; ${absent} were not in it.\n`);
  }
  if (refused.length > 0) throw new NotAllRemovedError(refused.length);
}
