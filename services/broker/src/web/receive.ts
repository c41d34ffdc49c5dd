import { finished, type Readable } from 'node:stream';
import { RequestError } from './errors.js';

/** Limits of one incoming body. */
export interface ReceiveOptions {
  /** Most bytes taken. */
  readonly most: number;
  /** Milliseconds that the client may be silent while we wait for it. */
  readonly patience: number;
  /** Gives the body up, also while it is waited for. */
  readonly signal: AbortSignal;
  readonly onBytes: (count: number) => void;
}

/**
 * The pieces of an incoming body, as they come and uncopied. The next is asked for only when the last was dealt with,
 * so a slow grid slows the client down rather than filling memory; only the client's own silence is held against it.
 * However it ends the body is left as it is, for the client is still to be answered on the same connection.
 *
 * @throws RequestError 413 where the body is too large, 408 where the client falls silent; what the body fails with; or
 *   the signal's reason
 */
export async function* receive(body: Readable, options: ReceiveOptions): AsyncGenerator<Uint8Array> {
  const { most, patience, signal, onBytes } = options;
  signal.throwIfAborted();
  const arrivals = new Arrivals(body, signal);
  try {
    let total = 0;
    for (;;) {
      const piece = await arrivals.next(patience);
      if (!piece) return;
      total += piece.length;
      if (total > most) throw tooLarge(most);
      onBytes(piece.length);
      yield piece;
    }
  } finally {
    arrivals.close();
  }
}

/**
 * Takes the pieces of a body one by one. The body's own iterator cannot be left while it waits for a piece, other than
 * by destroying the body, and with it the connection.
 */
class Arrivals {
  readonly #body: Readable;
  readonly #signal: AbortSignal;
  readonly #forget: () => void;
  #piece: Uint8Array | undefined;
  /** How the body ended; undefined until it has. */
  #end: { readonly error: Error | undefined } | undefined;
  #wake: () => void = () => undefined;
  readonly #take = (piece: Uint8Array) => {
    this.#body.pause();
    this.#piece = piece;
    this.#wake();
  };

  readonly #giveUp = () => this.#over(this.#signal.reason);

  constructor(body: Readable, signal: AbortSignal) {
    this.#body = body;
    this.#signal = signal;
    body.on('data', this.#take);
    signal.addEventListener('abort', this.#giveUp);
    this.#forget = finished(body, { writable: false }, (error) => this.#over(error ?? undefined));
  }

  #over(error: Error | undefined): void {
    this.#end ??= { error };
    this.#wake();
  }

  /** The next piece; undefined after the last. */
  async next(patience: number): Promise<Uint8Array | undefined> {
    if (!this.#piece && !this.#end) await this.#wait(patience);
    const piece = this.#piece;
    this.#piece = undefined;
    if (!piece && this.#end?.error) throw this.#end.error;
    return piece;
  }

  #wait(patience: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const silence = setTimeout(() => reject(silentClient()), patience);
      this.#wake = () => {
        clearTimeout(silence);
        resolve();
      };
      this.#body.resume();
    });
  }

  close(): void {
    this.#forget();
    this.#signal.removeEventListener('abort', this.#giveUp);
    this.#body.off('data', this.#take);
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
