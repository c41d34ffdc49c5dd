import type { ServerResponse } from 'node:http';

/** The client closed the connection before it had the whole answer. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
  readonly code = 'client-gone';

  constructor() {
    super('the client went away');
  }
}

/** A signal that aborts when the client goes away before the response was sent whole. */
export function clientGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new ClientGoneError());
  });
  return gone.signal;
}
