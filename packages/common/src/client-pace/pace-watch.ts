import type { IncomingMessage, ServerResponse } from 'node:http';

/** The least that a client must do. */
export interface LeastPace {
  /** Bytes a second, as an average. */
  readonly bytesPerSecond: number;
  /** Milliseconds over which the average is taken, so that a short silence costs nobody a transfer. */
  readonly patience: number;
}

/** In what way a client was too slow. */
export type SlowDirection = 'sending' | 'taking';

/** A request under way, and what had moved when its present span of time began. */
interface Watched {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  since: number;
  /** Bytes that the connection had received. */
  received: number;
  /** Bytes of answers that the client had taken, and those that it had yet to take. */
  taken: number;
  owed: number;
}

/**
 * Finds clients that hold a connection, and the space promised to them, by sending or taking next to nothing: silence
 * ends a connection anyway, a byte now and then does not. The time in which the server itself is not reading (its disk
 * is behind, another request writes the same bytes) counts for nobody.
 *
 * One timer looks at all requests under way; a request costs nothing between.
 */
export class PaceWatch {
  readonly #pace: LeastPace;
  readonly #onSlow: (request: IncomingMessage, response: ServerResponse, direction: SlowDirection) => void;
  readonly #watched = new Set<Watched>();
  readonly #timer: NodeJS.Timeout;

  /** @param onSlow ends what it is told of; it is told once */
  constructor(
    pace: LeastPace,
    onSlow: (request: IncomingMessage, response: ServerResponse, direction: SlowDirection) => void,
  ) {
    this.#pace = pace;
    this.#onSlow = onSlow;
    this.#timer = setInterval(() => this.#look(), Math.min(Math.max(pace.patience / 8, 20), 5_000)).unref();
  }

  /** Watches a request until its body has come and its answer is out. */
  add(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const watched: Watched = {
      request,
      response,
      since: performance.now(),
      received: socket.bytesRead,
      taken: socket.bytesWritten,
      owed: 0,
    };
    this.#watched.add(watched);
    response.once('close', () => {
      // What is still coming of a body that nobody wanted is watched on.
      if (request.complete || request.destroyed) this.#watched.delete(watched);
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    for (const watched of this.#watched) {
      const { request, response } = watched;
      if (request.destroyed && (response.closed || response.destroyed)) {
        this.#watched.delete(watched);
        continue;
      }
      const slow = this.#check(watched, now);
      if (!slow) continue;
      this.#watched.delete(watched);
      this.#onSlow(request, response, slow);
    }
  }

  #check(watched: Watched, now: number): SlowDirection | undefined {
    const { request, response, since, received, taken, owed } = watched;
    const { socket } = request;
    const { bytesPerSecond, patience } = this.#pace;
    const owedNow = response.writableLength;
    const begin = () => {
      watched.since = now;
      watched.received = socket.bytesRead;
      watched.taken = socket.bytesWritten - owedNow;
      watched.owed = owedNow;
      return undefined;
    };
    if (owedNow > 0) {
      // What was handed over shows as taken only when all of it was, so all of it is waited for.
      if (owed === 0 || socket.bytesWritten - owedNow >= taken + owed) return begin();
      return now - since > patience + (owed / bytesPerSecond) * 1000 ? 'taking' : undefined;
    }
    const waiting = !request.complete && !request.destroyed && request.readableFlowing === true;
    if (owed > 0 || !waiting) return begin();
    if (now - since < patience) return undefined;
    if (socket.bytesRead - received < (bytesPerSecond * (now - since)) / 1000) return 'sending';
    return begin();
  }
}
