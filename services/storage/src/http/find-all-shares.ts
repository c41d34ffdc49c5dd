import { setImmediate } from 'node:timers/promises';
import { type FileAnswer, type FileQuestion, mostWholeShareBytes } from '@holdfast/lafs';
import type { ShareBackend } from '../share-backend/share-backend.js';
import { openHeldShares } from './held-shares.js';

type Held = Pick<ShareBackend, 'list' | 'read'>;

/** Files of one request that are looked for at a time. */
const lookedForAtOnce = 8;

/**
 * What there is of each file, with small shares as much of their data as was asked for; null for a file that is to be
 * asked for by itself: its data does not fit into the answer, it cannot be read, or it was not found in the time there is,
 * so that one on a slow disk does not hold up the others.
 *
 * @param within milliseconds that there are
 */
export async function findAllShares(
  backend: Held,
  questions: readonly FileQuestion[],
  within: number,
): Promise<readonly FileAnswer[]> {
  const answers: FileAnswer[] = questions.map(() => null);
  const waiting = [...questions.entries()];
  let bytes = 0;
  let isOver = false;
  const findInTurn = async () => {
    for (let next = waiting.shift(); next && !isOver; next = waiting.shift()) {
      const [index, question] = next;
      const answer = await findOne(backend, question, (size) => {
        if (isOver || bytes + size > mostWholeShareBytes) return false;
        bytes += size;
        return true;
      });
      if (isOver) return;
      answers[index] = answer;
      // What is in memory is read at once, file after file: others get their turn between them.
      await setImmediate();
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, within);
  });
  await Promise.race([over, Promise.all(Array.from({ length: lookedForAtOnce }, findInTurn))]);
  clearTimeout(timer);
  isOver = true;
  return answers;
}

/** @param take takes so many bytes of the answer; false where they are not left */
async function findOne(
  backend: Held,
  { storageIndex, most }: FileQuestion,
  take: (bytes: number) => boolean,
): Promise<FileAnswer> {
  try {
    if (most === 0) return { shares: new Map(), others: await backend.list(storageIndex) };
    using held = await openHeldShares(backend, storageIndex, most);
    return take(held.bytes) ? await held.read() : null;
  } catch {
    // It is left to a question of its own, and does not hold up the others.
    return null;
  }
}
