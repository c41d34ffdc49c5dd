import { decodeStoreRequest, encodeStoreAnswer } from '@holdfast/lafs';
import type { LeaseKeeping } from '../../leases/lease-keeping.js';
import type { StorageMetrics } from '../../metrics.js';
import { storeWhole } from '../../uploads/store-whole.js';
import type { Uploads } from '../../uploads/uploads.js';
import { answerCbor, type Handler } from '../exchange.js';
import { leaseOf } from '../lease-of.js';
import { requireCborAccepted, withMessageBody } from '../message-body.js';

/**
 * `POST /storage/v1/immutable/:storage_index/whole`, an extension of ours: stores small shares in one request, each as
 * safely as if it had come by allocation and writes. Shares that there is no room for are in neither set of the answer.
 */
export function storeWholeShares({
  uploads,
  leases,
  leaseDuration,
  metrics,
}: {
  uploads: Uploads;
  leases: LeaseKeeping;
  /** Milliseconds, where the account has no duration of its own. */
  leaseDuration: number;
  metrics: StorageMetrics;
}): Handler<'storeWholeShares'> {
  return async (exchange, { storageIndex }) => {
    const { request, response, account } = exchange;
    requireCborAccepted(request);
    await withMessageBody(request, async (body) => {
      const shares = decodeStoreRequest(body);
      const lease = leaseOf(exchange, leaseDuration);
      const { present, stored } = await storeWhole(
        uploads,
        { storageIndex, account: account.key, lease },
        shares,
      );
      const alreadyHave = await leases.begin(storageIndex, present, account.key);
      for (const shareNumber of stored) {
        metrics.received(shares.get(shareNumber)?.length ?? 0);
        metrics.shareStored();
      }
      answerCbor(response, 200, encodeStoreAnswer({ alreadyHave, stored }));
    });
  };
}
