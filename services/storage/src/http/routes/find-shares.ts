import { setImmediate } from 'node:timers/promises';
import {
  decodeFindRequest,
  encodeFindAnswer,
  type FileAnswer,
  type FileQuestion,
  maximumFindRequestSize,
  mostWholeShareBytes,
} from '@holdfast/lafs';
import type { StorageMetrics } from '../../metrics.js';
import type { ShareBackend } from '../../share-backend/share-backend.js';
import { roomForAnswer } from '../answer-room.js';
import { answerCbor, type Handler } from '../exchange.js';
import { openHeldShares } from '../held-shares.js';
import { requireCborAccepted, withMessageBody } from '../message-body.js';

/** Files of one request that are looked for at a time. */
const lookedForAtOnce = 8;

/**
 * `POST /storage/v1/immutable/shares`, an extension of ours: the shares of many storage indexes, small ones with as much
 * of their data as was asked for.
 */
export function findShares({
  backend,
  metrics,
}: {
  backend: Pick<ShareBackend, 'list' | 'read'>;
  metrics: StorageMetrics;
}): Handler<'findShares'> {
  return async (exchange) => {
    requireCborAccepted(exchange.request);
    const work = async (body: Uint8Array) => {
      const questions = decodeFindRequest(body);
      const wanted = questions.reduce((sum, { most }) => sum + most, 0);
      await roomForAnswer(exchange, Math.min(wanted, mostWholeShareBytes), async () => {
        const { answers, bytes } = await findAll(backend, questions);
        metrics.sent(bytes);
        answerCbor(exchange.response, 200, encodeFindAnswer(answers));
      });
    };
    await withMessageBody(exchange.request, work, maximumFindRequestSize);
  };
}

/** Data that does not fit into the answer leaves its file to a question of its own. */
async function findAll(
  backend: Pick<ShareBackend, 'list' | 'read'>,
  questions: readonly FileQuestion[],
): Promise<{ readonly answers: readonly FileAnswer[]; readonly bytes: number }> {
  const answers: FileAnswer[] = questions.map(() => null);
  const waiting = [...questions.entries()];
  let bytes = 0;
  const findInTurn = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, question] = next;
      const answer = await findOne(backend, question, (size) => {
        if (bytes + size > mostWholeShareBytes) return false;
        bytes += size;
        return true;
      });
      answers[index] = answer;
      // What is in memory is read at once, file after file: others get their turn between them.
      await setImmediate();
    }
  };
  await Promise.all(Array.from({ length: lookedForAtOnce }, findInTurn));
  return { answers, bytes };
}

/** @param take takes so many bytes of the answer; false where they are not left */
async function findOne(
  backend: Pick<ShareBackend, 'list' | 'read'>,
  { storageIndex, most }: FileQuestion,
  take: (bytes: number) => boolean,
): Promise<FileAnswer> {
  try {
    if (most === 0) return { shares: new Map(), others: await backend.list(storageIndex) };
    using held = await openHeldShares(backend, storageIndex, most);
    return take(held.bytes) ? await held.read() : null;
  } catch {
    // Whoever asks for it by itself is told what is wrong with it, and the others are not held up by it.
    return null;
  }
}
