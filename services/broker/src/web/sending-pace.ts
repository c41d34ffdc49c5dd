import type { IncomingMessage, ServerResponse } from 'node:http';
import { type LeastPace, PaceWatch } from '@holdfast/common/client-pace';
import { clientGone } from './client-gone.js';
import { RequestError } from './errors.js';

/**
 * Gives up clients whose bodies come in slower than they must: each holds a place and memory until its last byte, and a
 * byte now and then is no silence.
 */
export class SendingPace {
  readonly #watch: PaceWatch;
  readonly #senders = new WeakMap<IncomingMessage, AbortController>();

  constructor(pace: LeastPace) {
    this.#watch = new PaceWatch(pace, (request, _response, direction) => {
      // Who is slow to take an answer is for `send` to see.
      if (direction === 'sending') this.#senders.get(request)?.abort(slowClient(pace.bytesPerSecond));
    });
  }

  /** A signal that aborts when the client sends too slowly, with a 408, or goes away before it was answered. */
  follow(request: IncomingMessage, response: ServerResponse): AbortSignal {
    const slow = new AbortController();
    this.#senders.set(request, slow);
    this.#watch.add(request, response);
    return AbortSignal.any([slow.signal, clientGone(response)]);
  }

  close(): void {
    this.#watch.close();
  }
}

function slowClient(leastPace: number): RequestError {
  return new RequestError(408, 'slow-client', `the body came slower than ${leastPace} bytes a second`);
}
