import { encodeSharesAnswer, largestWholeShare, mostWholeShareBytes } from '@holdfast/lafs';
import type { StorageMetrics } from '../../metrics.js';
import type { ShareBackend } from '../../share-backend/share-backend.js';
import { answerCbor, type Handler } from '../exchange.js';
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
  return async ({ request, response }, { storageIndex }) => {
    requireCborAccepted(request);
    const shares = new Map<number, Uint8Array>();
    const others = new Set<number>();
    let bytes = 0;
    for (const shareNumber of await backend.list(storageIndex)) {
      const share = await backend.read({ storageIndex, shareNumber });
      if (!share) continue;
      try {
        if (share.size > largestWholeShare || bytes + share.size > mostWholeShareBytes)
          others.add(shareNumber);
        else {
          shares.set(shareNumber, await share.read({ begin: 0, end: share.size }));
          bytes += share.size;
        }
      } finally {
        share.release();
      }
    }
    metrics.sent(bytes);
    answerCbor(response, 200, encodeSharesAnswer({ shares, others }));
  };
}
