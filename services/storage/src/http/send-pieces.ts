import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { ByteRange } from '@holdfast/lafs';
import { SharedBuffers } from '../shared-buffers.js';

/** What all readers together hold in memory. */
const buffers = new SharedBuffers();

/**
 * Sends a range piece by piece: the next is read while the last is on its way, and no more is read while the client
 * does not take what was sent. The head of the response goes out with the first piece, so that an error in reading
 * that can still be told.
 *
 * @returns when the client has taken all of it, or has gone
 * @throws what `read` rejects with; after the head was sent the connection is ended with it
 */
export function sendPieces(
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  { begin, end }: ByteRange,
  read: (piece: ByteRange) => Promise<Uint8Array>,
): Promise<void> {
  return buffers.during(async () => {
    let at = begin;
    do {
      const next = Math.min(at + buffers.pieceSize, end);
      const piece = begin === end ? new Uint8Array() : await read({ begin: at, end: next });
      if (response.destroyed) return;
      if (at === begin) response.writeHead(status, headers);
      if (next < end) {
        if (!response.write(piece)) await taken(response, 'drain');
      } else {
        response.end(piece);
        if (response.writableLength > 0) await taken(response, 'finish');
      }
      at = next;
    } while (at < end);
  });
}

/** Resolves when the client has taken what was written, or has gone. */
function taken(response: ServerResponse, event: 'drain' | 'finish'): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off(event, done).off('close', done);
      resolve();
    };
    response.on(event, done).on('close', done);
    // Gone before anybody listened: no event would come any more.
    if (response.destroyed) done();
  });
}
