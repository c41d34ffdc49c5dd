import { finished } from 'node:stream/promises';
import {
  decodeReadTestWriteRequest,
  encodeReadTestWriteAnswer,
  MessageTooLargeError,
  maximumMessageSize,
  type ReadVector,
} from '@holdfast/lafs';
import type { StorageMetrics } from '../../metrics.js';
import { mostReadAtOnce, mostShares } from '../../mutable/limits.js';
import type { Slots } from '../../mutable/slots.js';
import { Room } from '../../room.js';
import { answerCbor, type Handler } from '../exchange.js';
import { leaseOf } from '../lease-of.js';
import { readMessageBody, requireCborAccepted } from '../message-body.js';

/** Of the largest request and of the largest answer, how many may be in memory at a time. */
const largestRequestsAtOnce = 2;
const largestAnswersAtOnce = 16;
/** An answer of up to so many bytes does not wait for room: what clients read before they write is smaller. */
const smallAnswer = 64 * 1024;

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
  const requests = new Room(largestRequestsAtOnce * largestRequest);
  const answers = new Room(largestAnswersAtOnce * mostReadAtOnce);
  return async (exchange, { storageIndex }) => {
    const { request, response, account, secrets } = exchange;
    requireCborAccepted(request);
    // One that does not tell its size is no large one.
    const size = Number(request.headers['content-length'] ?? maximumMessageSize);
    if (size > largestRequest) throw new MessageTooLargeError(size, largestRequest);
    await requests.during(size, async () => {
      const asked = decodeReadTestWriteRequest(await readMessageBody(request, size), size);
      metrics.received(size);
      const answer = async () => {
        const done = await slots.readTestWrite({
          ...asked,
          storageIndex,
          writeEnabler: secrets['write-enabler'],
          account: account.key,
          lease: leaseOf(exchange, leaseDuration),
        });
        answerCbor(response, 200, encodeReadTestWriteAnswer(done));
      };
      const most = largestAnswer(asked.read);
      if (most <= smallAnswer) return answer();
      return answers.during(most, async () => {
        await answer();
        // It is in memory until the client has taken it, or has gone.
        await finished(response).catch(() => undefined);
      });
    });
  };
}

/** Bytes that some vectors read at most, of any slot. */
function largestAnswer(vectors: readonly ReadVector[]): number {
  const ofOne = vectors.reduce((sum, { size }) => sum + size, 0);
  return Math.min(mostShares * ofOne, mostReadAtOnce);
}
