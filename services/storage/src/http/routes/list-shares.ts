import { encodeShareNumbers } from '@holdfast/lafs';
import type { ShareBackend } from '../../share-backend/share-backend.js';
import { answerCbor, type Handler } from '../exchange.js';
import { requireCborAccepted } from '../message-body.js';

/** `GET /storage/v1/(im)mutable/:storage_index/shares`: the shares of the kind that can be read. */
export function listShares({
  backend,
}: {
  backend: Pick<ShareBackend, 'list'>;
}): Handler<'listShares' | 'listMutableShares'> {
  return async ({ request, response }, { storageIndex }) => {
    requireCborAccepted(request);
    answerCbor(response, 200, encodeShareNumbers(await backend.list(storageIndex)));
  };
}
