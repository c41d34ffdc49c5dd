import type { Readable } from 'node:stream';
import { RequestError } from './errors.js';

/** Limits of one incoming body. */
export interface ReceiveOptions {
  /** Most bytes taken. */
  readonly most: number;
  /** Milliseconds that the client may be silent while we wait for it. */
  readonly patience: number;
  readonly onBytes: (count: number) => void;
}

/**
 * The pieces of an incoming body, as they come and uncopied. The next is asked for only when the last was dealt with,
 * so a slow grid slows the client down rather than filling memory; only the client's own silence is held against it.
 *
 * @throws RequestError 413 where the body is too large, 408 where the client falls silent
 */
export async function* receive(body: Readable, options: ReceiveOptions): AsyncGenerator<Uint8Array> {
  const { most, patience, onBytes } = options;
  const watch = () => setTimeout(() => body.destroy(silentClient()), patience);
  let silence = watch();
  try {
    let total = 0;
    // Leaving the loop must not end the connection: the client is still to read why.
    for await (const piece of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      clearTimeout(silence);
      total += piece.length;
      if (total > most) throw tooLarge(most);
      onBytes(piece.length);
      yield piece;
      silence = watch();
    }
  } finally {
    clearTimeout(silence);
  }
}

/** A client that sends no more of its body. */
export function silentClient(): RequestError {
  return new RequestError(408, 'silent-client', 'no more of the body came in time');
}

/** A body beyond what this broker takes. */
export function tooLarge(most: number): RequestError {
  return new RequestError(
    413,
    'too-large',
    `the file is larger than the ${most} bytes that this gateway takes`,
  );
}
