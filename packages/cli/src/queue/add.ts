import { addFiles, mostAdded } from '@holdfast/repairer';
import { UsageError } from '../exit-status.js';
import { type RepairerNode, withRepairerNode } from '../nodes/repairer-node.js';
import { type Line, lines } from './lines.js';
import { type Refusal, tellRefusals } from './refusals.js';

/** What `holdfast queue add` was asked. */
export interface AddOptions {
  readonly dir: string;
  /** A file with one name a line and `#` comments; `-` for standard input. */
  readonly file?: string;
  readonly verify?: true;
  /** Whether storage servers that are away and may come back are not waited for. */
  readonly now?: true;
  /** Whether they are put under watch, too. */
  readonly watch?: true;
  readonly json?: true;
}

/** Some of what was named is no file to repair; the rest was taken. */
export class NotAllAddedError extends Error {
  override readonly name = 'NotAllAddedError';
  readonly code = 'not-all-added';

  constructor(
    readonly refused: number,
    taken = 'in the queue',
  ) {
    super(`${refused} of what was named cannot be repaired; all others are ${taken}`);
  }
}

/** What became of what was named. */
interface Added {
  readonly added: number;
  readonly known: number;
  readonly refused: readonly Refusal[];
}

/**
 * Puts files into the queue: named on the command line, in a file, or both. Nothing that was named is ever shown.
 *
 * @throws UsageError, NotAllAddedError, or the system's error where the file cannot be read
 */
export async function addToQueue(names: readonly string[], options: AddOptions): Promise<void> {
  const { dir, file, verify = false, now = false, watch = false, json } = options;
  if (names.length === 0 && file === undefined)
    throw new UsageError('expected capabilities or storage indexes, or --file');
  const result = await withRepairerNode(dir, (node) =>
    addAll(node, lines(names, file), { verify, now, watch }),
  );
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    tellRefusals(result.refused, file);
    process.stdout.write(`Added ${result.added} to the queue; ${result.known} were in it already.\n`);
  }
  if (result.refused.length > 0) throw new NotAllAddedError(result.refused.length);
}

async function addAll(
  { database, grid, wake }: RepairerNode,
  all: AsyncIterable<Line>,
  terms: { readonly verify: boolean; readonly now: boolean; readonly watch: boolean },
): Promise<Added> {
  let [added, known] = [0, 0];
  const refused: Refusal[] = [];
  const addBatch = async (batch: readonly Line[]) => {
    const texts = batch.map(({ text }) => text);
    const result = await addFiles(database, grid, { source: 'command', ...terms }, texts);
    added += result.added;
    known += result.known;
    for (const { position, code, reason } of result.refused)
      refused.push({ line: batch[position]?.number ?? 0, code, reason });
  };
  let batch: Line[] = [];
  for await (const line of all) {
    batch.push(line);
    if (batch.length < mostAdded) continue;
    await addBatch(batch);
    batch = [];
  }
  await addBatch(batch);
  await wake(added);
  return { added, known, refused };
}
