import {
  decodeReadTestWriteRequest,
  encodeReadTestWriteAnswer,
  MessageTooLargeError,
  maximumMessageSize,
} from '@holdfast/lafs';
import type { StorageMetrics } from '../../metrics.js';
import type { Slots } from '../../mutable/slots.js';
import { answerCbor, type Handler } from '../exchange.js';
import { leaseOf } from '../lease-of.js';
import { readMessageBody, requireCborAccepted } from '../message-body.js';
import { MessageRoom } from '../message-room.js';

/** Of the largest request, how many times as much may be in memory at a time. */
const largestAtOnce = 2;

/**
 * `POST /storage/v1/mutable/:storage_index/read-test-write`: reads from all shares of a slot, and changes them if its
 * tests hold.
 */
export function readTestWrite({
  slots,
  metrics,
  largestMutable,
  leaseDuration,
}: {
  slots: Slots;
  metrics: StorageMetrics;
  /** Most bytes of data of a mutable share. */
  largestMutable: number;
  /** Milliseconds, where the account has no duration of its own. */
  leaseDuration: number;
}): Handler<'readTestWrite'> {
  // A whole share in one request, and the vectors around its pieces.
  const largestRequest = largestMutable + maximumMessageSize;
  const room = new MessageRoom(largestAtOnce * largestRequest);
  return async (exchange, { storageIndex }) => {
    const { request, response, account, secrets } = exchange;
    requireCborAccepted(request);
    // One that does not tell its size is no large one.
    const size = Number(request.headers['content-length'] ?? maximumMessageSize);
    if (size > largestRequest) throw new MessageTooLargeError(size, largestRequest);
    const answer = await room.during(size, async () => {
      const asked = decodeReadTestWriteRequest(await readMessageBody(request, size), size);
      metrics.received(size);
      return slots.readTestWrite({
        ...asked,
        storageIndex,
        writeEnabler: secrets['write-enabler'],
        account: account.key,
        lease: leaseOf(exchange, leaseDuration),
      });
    });
    answerCbor(response, 200, encodeReadTestWriteAnswer(answer));
  };
}
