import { type ByteRange, formatContentRange, parseRange } from '@holdfast/lafs';
import type { StorageMetrics } from '../../metrics.js';
import type { ShareBackend } from '../../share-backend/share-backend.js';
import { StorageError } from '../../storage-error.js';
import { answerEmpty, type Handler } from '../exchange.js';
import { sendPieces } from '../send-pieces.js';

/**
 * `GET /storage/v1/(im)mutable/:storage_index/:share_number`: reads a share, whole or one range of it. A range past the
 * end is cut short; one that lies wholly past it is empty (204).
 */
export function readShare({
  backend,
  metrics,
}: {
  backend: Pick<ShareBackend, 'read'>;
  metrics: StorageMetrics;
}): Handler<'readShare' | 'readMutableShare'> {
  return async ({ request, response }, address) => {
    const asked = request.headers.range === undefined ? undefined : parseRange(request.headers.range);
    const share = await backend.read(address);
    if (!share) throw new StorageError('no-such-share', 'this share is not here');
    try {
      const range: ByteRange = asked
        ? { begin: asked.begin, end: Math.min(asked.end, share.size) }
        : { begin: 0, end: share.size };
      if (asked && range.begin >= range.end) {
        answerEmpty(response, 204);
        return;
      }
      const headers = {
        'content-type': 'application/octet-stream',
        'content-length': range.end - range.begin,
        ...(asked ? { 'content-range': formatContentRange(range) } : {}),
      };
      await sendPieces(response, asked ? 206 : 200, headers, range, (piece) => {
        metrics.sent(piece.end - piece.begin);
        return share.read(piece);
      });
    } finally {
      share.release();
    }
  };
}
