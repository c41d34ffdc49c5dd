import type { Readable } from 'node:stream';
import { SharedBuffers } from '../shared-buffers.js';
import { StorageError } from '../storage-error.js';

/** What all writers together hold in memory. With buffers half as large a share took a tenth more processor time. */
const buffers = new SharedBuffers(1024 * 1024);

/**
 * Passes a request's body on in batches as it arrives, without copying: while one batch is being written the next
 * gathers, and the sender is held back when it is ahead.
 *
 * @param size bytes the body must have
 * @param write takes the chunks that follow at an offset from the body's start; one call at a time
 * @throws StorageError `range-body-mismatch` or `body-incomplete`, and whatever `write` rejects with
 */
export function streamBody(
  body: Readable,
  size: number,
  write: (offset: number, chunks: Uint8Array[]) => Promise<void>,
): Promise<void> {
  return buffers.during(
    () =>
      new Promise<void>((resolve, reject) => {
        let waiting: Uint8Array[] = [];
        let waitingSize = 0;
        let received = 0;
        let offset = 0;
        let writing = false;
        let ended = false;
        let over = false;

        const finish = (error?: unknown) => {
          if (over) return;
          over = true;
          body.off('data', take).off('end', end).off('error', broken).off('close', broken);
          if (error === undefined) resolve();
          else {
            // A late error of a dead connection has no other listener; what still comes is thrown away.
            body.on('error', () => undefined).resume();
            reject(error);
          }
        };
        const advance = () => {
          if (writing || over) return;
          if (waitingSize > 0 && (ended || waitingSize >= buffers.pieceSize)) {
            const [chunks, at] = [waiting, offset];
            offset += waitingSize;
            waiting = [];
            waitingSize = 0;
            writing = true;
            body.resume();
            write(at, chunks).then(() => {
              writing = false;
              advance();
            }, finish);
          } else if (ended) finish();
        };
        const take = (chunk: Buffer) => {
          received += chunk.length;
          if (received > size) {
            finish(
              new StorageError('range-body-mismatch', `the body is longer than its range of ${size} bytes`),
            );
            return;
          }
          waiting.push(chunk);
          waitingSize += chunk.length;
          if (waitingSize >= 2 * buffers.pieceSize) body.pause();
          advance();
        };
        const end = () => {
          ended = true;
          if (received === size) advance();
          else
            finish(
              new StorageError('range-body-mismatch', `the body has ${received} bytes, its range ${size}`),
            );
        };
        const broken = () => {
          if (!ended) finish(new StorageError('body-incomplete', 'the connection ended within the body'));
        };
        // Gone while the request waited for its turn: no event would come any more.
        if (body.destroyed) broken();
        else body.on('data', take).on('end', end).on('error', broken).on('close', broken);
      }),
  );
}
