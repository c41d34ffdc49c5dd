import type { IncomingMessage } from 'node:http';
import { isCbor, MessageTooLargeError, maximumMessageSize, prefersCbor } from '@holdfast/lafs';
import { Room } from '../room.js';
import { StorageError } from '../storage-error.js';

/** Messages of up to so many bytes need no room: those that only ask for something are smaller. */
export const smallMessage = 64 * 1024;

/** For the bodies of all requests whose messages are larger, while they come and while they are worked on. */
const room = new Room(64 * 1024 * 1024);

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
 * Reads a request body that is a CBOR message, and does something with it while it is in memory. A large one is not
 * begun to be read before there is room for as much as it may have.
 *
 * @param limit most bytes
 * @throws StorageError `unsupported-media-type`, `body-incomplete`; MessageTooLargeError; what `work` throws
 */
export async function withMessageBody<T>(
  request: IncomingMessage,
  work: (body: Uint8Array) => Promise<T>,
  limit = maximumMessageSize,
): Promise<T> {
  requireCborBody(request);
  const announced = Number(request.headers['content-length'] ?? limit);
  if (announced > limit) throw new MessageTooLargeError(announced, limit);
  const receive = async () => work(await readBody(request, limit));
  return announced <= smallMessage ? receive() : room.during(announced, receive);
}

function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
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
