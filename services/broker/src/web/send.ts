import type { ServerResponse } from 'node:http';

/** How one body is sent. */
export interface SendOptions {
  /** Milliseconds that the client may take nothing of what waits for it. */
  readonly patience: number;
  readonly onBytes: (count: number) => void;
}

/**
 * Sends a body piece by piece, uncopied, reading on only when the client has taken most of what was sent.
 * Where `pieces` fails or the client stops taking them, the connection is cut: with the length announced, the client
 * sees that what it has is not the whole.
 *
 * @throws what `pieces` throws
 */
export async function send(
  response: ServerResponse,
  pieces: AsyncIterable<Uint8Array>,
  { patience, onBytes }: SendOptions,
): Promise<void> {
  try {
    for await (const piece of pieces) {
      if (response.destroyed) return;
      const ready = response.write(piece);
      onBytes(piece.length);
      if (!ready) await drained(response, patience);
    }
    response.end();
  } catch (error) {
    response.destroy();
    throw error;
  }
}

/** Resolves when there is room again, or nobody left to send to. */
function drained(response: ServerResponse, patience: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    const timer = setTimeout(() => response.destroy(), patience);
    response.once('drain', done);
    response.once('close', done);
  });
}
