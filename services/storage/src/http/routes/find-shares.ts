import {
  decodeFindRequest,
  encodeFindAnswer,
  type FileAnswer,
  maximumFindRequestSize,
  mostWholeShareBytes,
} from '@holdfast/lafs';
import type { StorageMetrics } from '../../metrics.js';
import type { ShareBackend } from '../../share-backend/share-backend.js';
import { roomForAnswer } from '../answer-room.js';
import { answerCbor, type Handler } from '../exchange.js';
import { findAllShares } from '../find-all-shares.js';
import { requireCborAccepted, withMessageBody } from '../message-body.js';

/** Milliseconds after which what was found by then is the answer: well before whoever asks for a file gives up. */
const answersWithin = 1_000;

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
        const answers = await findAllShares(backend, questions, answersWithin);
        metrics.sent(bytesOf(answers));
        answerCbor(exchange.response, 200, encodeFindAnswer(answers));
      });
    };
    await withMessageBody(exchange.request, work, maximumFindRequestSize);
  };
}

function bytesOf(answers: readonly FileAnswer[]): number {
  const data = answers.flatMap((answer) => [...(answer?.shares.values() ?? [])]);
  return data.reduce((sum, { length }) => sum + length, 0);
}
