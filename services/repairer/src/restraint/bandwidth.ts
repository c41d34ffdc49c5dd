import { setTimeout as delay } from 'node:timers/promises';

/** Seconds whose bytes may pass at once after a rest. */
const burst = 1;

/**
 * A limit of bytes a second that all jobs of a worker share: a bucket that fills at that rate, and from which may be
 * taken more than is in it; whoever finds it overdrawn waits until it would be full enough.
 */
export class Bandwidth {
  readonly #bytesPerSecond: number;
  readonly #now: () => number;
  #tokens: number;
  #filledAt: number;

  /** @param now milliseconds, never going back */
  constructor(bytesPerSecond: number, now: () => number = () => performance.now()) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#now = now;
    this.#tokens = bytesPerSecond * burst;
    this.#filledAt = now();
  }

  /** Takes so many bytes; gives the milliseconds to wait before they may pass. Whoever comes later waits longer. */
  take(bytes: number): number {
    const now = this.#now();
    const filled = this.#tokens + ((now - this.#filledAt) / 1000) * this.#bytesPerSecond;
    this.#tokens = Math.min(filled, this.#bytesPerSecond * burst) - bytes;
    this.#filledAt = now;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#bytesPerSecond) * 1000;
  }

  /** Resolves when so many bytes may pass; rejects with the signal's reason. */
  async pace(bytes: number, signal?: AbortSignal): Promise<void> {
    const wait = this.take(bytes);
    if (wait > 0) await delay(wait, undefined, signal ? { signal } : {});
  }
}
