import { decodeAllocateRequest, encodeAllocateAnswer } from '@holdfast/lafs';
import type { LeaseKeeping } from '../../leases/lease-keeping.js';
import type { Uploads } from '../../uploads/uploads.js';
import { answerCbor, type Handler } from '../exchange.js';
import { leaseOf } from '../lease-of.js';
import { requireCborAccepted, withMessageBody } from '../message-body.js';

/**
 * `POST /storage/v1/immutable/:storage_index`: begins uploads, and gives the client a lease on what is there already.
 * Shares that there is no room for are in neither set of the answer, and so are those that are there but just being
 * removed: no lease can save them, and the client places them elsewhere, as with a full server.
 */
export function allocateShares({
  uploads,
  leases,
  leaseDuration,
}: {
  uploads: Uploads;
  leases: LeaseKeeping;
  /** Milliseconds, where the account has no duration of its own. */
  leaseDuration: number;
}): Handler<'allocateShares'> {
  return async (exchange, { storageIndex }) => {
    const { request, response, account, secrets } = exchange;
    requireCborAccepted(request);
    const { shareNumbers, allocatedSize } = await withMessageBody(request, async (body) =>
      decodeAllocateRequest(body),
    );
    const { present, allocated } = await uploads.allocate({
      storageIndex,
      shareNumbers,
      size: allocatedSize,
      uploadSecret: secrets['upload-secret'],
      account: account.key,
      lease: leaseOf(exchange, leaseDuration),
    });
    const alreadyHave = await leases.begin(storageIndex, present, account.key);
    answerCbor(response, 200, encodeAllocateAnswer({ alreadyHave, allocated }));
  };
}
