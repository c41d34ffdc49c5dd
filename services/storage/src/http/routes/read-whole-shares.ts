import { encodeSharesAnswer, mostWholeShareBytes } from '@holdfast/lafs';
import type { StorageMetrics } from '../../metrics.js';
import type { ShareBackend } from '../../share-backend/share-backend.js';
import { roomForAnswer } from '../answer-room.js';
import { answerCbor, type Handler } from '../exchange.js';
import { openHeldShares } from '../held-shares.js';
import { requireCborAccepted } from '../message-body.js';

/**
 * `GET /storage/v1/immutable/:storage_index/whole`, an extension of ours: the shares that can be read, small ones with
 * their data, so that a small file needs no second request.
 */
export function readWholeShares({
  backend,
  metrics,
}: {
  backend: ShareBackend;
  metrics: StorageMetrics;
}): Handler<'readWholeShares'> {
  return async (exchange, { storageIndex }) => {
    requireCborAccepted(exchange.request);
    using held = await openHeldShares(backend, storageIndex, mostWholeShareBytes);
    await roomForAnswer(exchange, held.bytes, async () => {
      const answer = await held.read();
      metrics.sent(held.bytes);
      answerCbor(exchange.response, 200, encodeSharesAnswer(answer));
    });
  };
}
