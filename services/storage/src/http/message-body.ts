import type { IncomingMessage } from 'node:http';
import { isCbor, MessageTooLargeError, maximumMessageSize, prefersCbor } from '@holdfast/lafs';
import { StorageError } from '../storage-error.js';

/** @throws StorageError `not-acceptable` where the client does not want CBOR */
export function requireCborAccepted(request: IncomingMessage): void {
  if (!prefersCbor(request.headers.accept)) {
    throw new StorageError('not-acceptable', 'answers are application/cbor only');
  }
}

/** @throws StorageError `unsupported-media-type` where the body is said to be something else than CBOR */
export function requireCborBody(request: IncomingMessage): void {
  if (!isCbor(request.headers['content-type'])) {
    throw new StorageError('unsupported-media-type', 'messages are application/cbor only');
  }
}

/**
 * Reads a request body that is a CBOR message.
 *
 * @param limit most bytes
 * @throws StorageError `unsupported-media-type`, `body-incomplete`; MessageTooLargeError
 */
export async function readMessageBody(
  request: IncomingMessage,
  limit = maximumMessageSize,
): Promise<Uint8Array> {
  requireCborBody(request);
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limit) throw new MessageTooLargeError(announced, limit);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    // Not by `for await`: leaving that early would close the connection before the answer.
    const leave = () => request.off('data', take).off('end', end).off('error', broken).off('close', broken);
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        leave();
        reject(new MessageTooLargeError(size, limit));
      } else chunks.push(chunk);
    };
    const end = () => {
      leave();
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
    };
    const broken = () => {
      leave();
      reject(new StorageError('body-incomplete', 'the connection ended within the body'));
    };
    // Gone while the request waited for its turn: no event would come any more.
    if (request.destroyed) broken();
    else request.on('data', take).on('end', end).on('error', broken).on('close', broken);
  });
}
