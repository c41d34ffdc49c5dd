import type { IncomingMessage } from 'node:http';
import { isCbor, MessageTooLargeError, maximumMessageSize, prefersCbor } from '@holdfast/lafs';
import { StorageError } from '../storage-error.js';

/** @throws StorageError `not-acceptable` where the client does not want CBOR */
export function requireCborAccepted(request: IncomingMessage): void {
  if (!prefersCbor(request.headers.accept)) {
    throw new StorageError('not-acceptable', 'answers are application/cbor only');
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
  if (!isCbor(request.headers['content-type'])) {
    throw new StorageError('unsupported-media-type', 'messages are application/cbor only');
  }
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limit) throw new MessageTooLargeError(announced, limit);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw new StorageError('body-incomplete', 'the connection ended within the body', { cause: error });
  }
  if (size > limit) throw new MessageTooLargeError(size, limit);
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size);
}
