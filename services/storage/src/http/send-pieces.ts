import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { ByteRange } from '@holdfast/lafs';

/** Bytes read and sent at a time: what one reader holds in memory is at most three of these. */
const pieceSize = 512 * 1024;

/**
 * Sends a range piece by piece: the next is read while the last is on its way, and no more is read while the client
 * does not take what was sent. The head of the response goes out with the first piece, so that an error in reading
 * that can still be told.
 *
 * @throws what `read` rejects with; after the head was sent the connection is ended with it
 */
export async function sendPieces(
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  { begin, end }: ByteRange,
  read: (piece: ByteRange) => Promise<Uint8Array>,
): Promise<void> {
  for (let at = begin; at < end || at === begin; at += pieceSize) {
    const piece =
      begin === end ? new Uint8Array() : await read({ begin: at, end: Math.min(at + pieceSize, end) });
    if (response.destroyed) return;
    if (at === begin) response.writeHead(status, headers);
    if (at + pieceSize >= end) response.end(piece);
    else if (!response.write(piece)) {
      await taken(response);
    }
  }
}

/** Resolves when the client has taken what was written, or has gone. */
function taken(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
