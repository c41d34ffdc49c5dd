import type { IncomingMessage } from 'node:http';
import {
  decodeReadTestWriteRequest,
  encodeReadTestWriteAnswer,
  MessageTooLargeError,
  maximumMessageSize,
  type ReadTestWriteRequest,
  type ReadVector,
} from '@holdfast/lafs';
import type { StorageMetrics } from '../../metrics.js';
import { mostReadAtOnce, mostShares } from '../../mutable/limits.js';
import type { Slots } from '../../mutable/slots.js';
import { Room } from '../../room.js';
import { StorageError } from '../../storage-error.js';
import type { BodySpool } from '../body-spool.js';
import { answerCbor, type Handler, taken } from '../exchange.js';
import { leaseOf } from '../lease-of.js';
import { requireCborAccepted, requireCborBody, smallMessage, withMessageBody } from '../message-body.js';

/** Of the largest request and of the largest answer, how many may be in memory at a time. */
const largestRequestsAtOnce = 2;
const largestAnswersAtOnce = 16;

/**
 * `POST /storage/v1/mutable/:storage_index/read-test-write`: reads from all shares of a slot, and changes them if its
 * tests hold.
 */
export function readTestWrite({
  slots,
  spool,
  metrics,
  largestMutable,
  leaseDuration,
}: {
  slots: Slots;
  spool: BodySpool;
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

  /** Reads the message, however large, and does something with what it asks while that is in memory. */
  async function received<T>(
    request: IncomingMessage,
    work: (asked: ReadTestWriteRequest) => Promise<T>,
  ): Promise<T> {
    requireCborBody(request);
    const size = Number(request.headers['content-length'] ?? 0);
    if (size > largestRequest) throw new MessageTooLargeError(size, largestRequest);
    if (size <= smallMessage)
      return withMessageBody(request, (body) => work(decodeReadTestWriteRequest(body)));
    const spooled = await spool.receive(request, size);
    try {
      return await requests.during(size, async () =>
        work(decodeReadTestWriteRequest(await spooled.read(), size)),
      );
    } finally {
      await spooled.close();
    }
  }

  return async (exchange, { storageIndex }) => {
    const { request, response, account, secrets } = exchange;
    requireCborAccepted(request);
    let leave: (() => void) | undefined;
    try {
      const answer = await received(request, async (asked) => {
        metrics.received(Number(request.headers['content-length'] ?? 0));
        const most = largestAnswer(asked.read);
        if (most > smallMessage) leave = answers.enterNow(most) ?? busy();
        return slots.readTestWrite({
          ...asked,
          storageIndex,
          writeEnabler: secrets['write-enabler'],
          account: account.key,
          lease: leaseOf(exchange, leaseDuration),
        });
      });
      answerCbor(response, 200, encodeReadTestWriteAnswer(answer));
      // A large answer is in memory until the client has taken it, or has gone.
      if (leave) await taken(exchange);
    } finally {
      leave?.();
    }
  };
}

/** Bytes that some vectors read at most, of any slot. */
function largestAnswer(vectors: readonly ReadVector[]): number {
  const ofOne = vectors.reduce((sum, { size }) => sum + size, 0);
  return Math.min(mostShares * ofOne, mostReadAtOnce);
}

function busy(): never {
  throw new StorageError('slot-busy', 'too many large answers are on their way: try again later');
}
