import { RequestError } from './errors.js';

/** Gives back what was acquired. */
export type Release = () => void;

interface Waiter {
  readonly admit: () => void;
}

/**
 * How many requests of a kind may be at work at once. Those beyond wait in line; where the line is too long or the
 * wait too long, they are told to come again.
 */
export class Slots {
  readonly #line: Waiter[] = [];
  readonly #size: number;
  readonly #longestLine: number;
  readonly #longestWait: number;
  #taken = 0;

  constructor({ size, longestWait = 30_000 }: { size: number; longestWait?: number }) {
    this.#size = size;
    this.#longestLine = 4 * size;
    this.#longestWait = longestWait;
  }

  /** How many are at work. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Waits for a turn.
   *
   * @throws RequestError 503, or the signal's reason
   */
  async acquire(signal: AbortSignal): Promise<Release> {
    signal.throwIfAborted();
    if (this.#taken < this.#size) this.#taken++;
    else if (this.#line.length >= this.#longestLine) throw busy();
    else await this.#wait(signal);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      // The turn passes on to the next in line, if there is one.
      const next = this.#line.shift();
      if (next) next.admit();
      else this.#taken--;
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (reason: unknown) => {
        const place = this.#line.indexOf(waiter);
        if (place >= 0) this.#line.splice(place, 1);
        settle();
        reject(reason);
      };
      const onAbort = () => leave(signal.reason);
      const timer = setTimeout(() => leave(busy()), this.#longestWait);
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      };
      const waiter = {
        admit: () => {
          settle();
          resolve();
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#line.push(waiter);
    });
  }
}

function busy(): RequestError {
  return new RequestError(503, 'busy', 'too many requests of this kind are at work; try again later', {
    'retry-after': '5',
  });
}
