import { setTimeout as delay } from 'node:timers/promises';

/** Shorter waits are saved up: a timer is not finer. */
const shortestWait = 20;

/** Spreads work over time, so many bytes a second. */
export class Pace {
  readonly #bytesPerSecond: number;
  readonly #signal: AbortSignal;
  #dueAt = 0;

  /** @param signal ends a wait at once */
  constructor(bytesPerSecond: number, signal: AbortSignal) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#signal = signal;
  }

  /** Counts bytes that were read, and resolves when more may be. What was not used up to now is not saved. */
  async spent(bytes: number): Promise<void> {
    const now = performance.now();
    this.#dueAt = Math.max(this.#dueAt, now) + (bytes / this.#bytesPerSecond) * 1000;
    if (this.#dueAt - now < shortestWait || this.#signal.aborted) return;
    await delay(this.#dueAt - now, undefined, { signal: this.#signal, ref: false }).catch(() => undefined);
  }
}
