import { encodeSharesAnswer, largestWholeShare, mostWholeShareBytes } from '@holdfast/lafs';
import type { StorageMetrics } from '../../metrics.js';
import { Room } from '../../room.js';
import type { ShareBackend, StoredShare } from '../../share-backend/share-backend.js';
import { answerCbor, type Handler, taken } from '../exchange.js';
import { requireCborAccepted, smallMessage } from '../message-body.js';

/** For all answers that are not small, until clients have taken them. */
const answers = new Room(64 * 1024 * 1024);

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
    const opened = new Map<number, StoredShare>();
    const others = new Set<number>();
    let bytes = 0;
    try {
      for (const shareNumber of await backend.list(storageIndex)) {
        const share = await backend.read({ storageIndex, shareNumber });
        if (!share) continue;
        if (share.size > largestWholeShare || bytes + share.size > mostWholeShareBytes) {
          share.release();
          others.add(shareNumber);
        } else {
          opened.set(shareNumber, share);
          bytes += share.size;
        }
      }
      const send = async () => {
        const read = [...opened].map(
          async ([shareNumber, share]): Promise<[number, Uint8Array]> => [
            shareNumber,
            await share.read({ begin: 0, end: share.size }),
          ],
        );
        const shares = new Map(await Promise.all(read));
        metrics.sent(bytes);
        answerCbor(response, 200, encodeSharesAnswer({ shares, others }));
      };
      if (bytes <= smallMessage) await send();
      else {
        await answers.during(bytes, async () => {
          if (request.socket.destroyed) return;
          await send();
          // It is in memory until the client has taken it, or has gone.
          await taken({ request, response });
        });
      }
    } finally {
      for (const share of opened.values()) share.release();
    }
  };
}
