import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../logging/index.js';

const longestStop = 20_000;

/** The parts of a running service in the order they were started; they stop in the opposite order. */
export class Lifecycle {
  readonly #logger: Logger;
  readonly #parts: { name: string; stop: () => Promise<void> | void }[] = [];
  readonly #stopping = new AbortController();
  #stopped: Promise<void> = Promise.resolve();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Aborts when the service begins to stop: for waits and loops that must end. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  get stopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Remembers how to stop a part that has just been started. */
  add(name: string, stop: () => Promise<void> | void): void {
    this.#parts.push({ name, stop });
  }

  /**
   * Stops every part, last first. A part that fails or takes over twenty seconds is logged and passed over.
   * A second call waits for the first and then stops what was added meanwhile.
   */
  stop(): Promise<void> {
    this.#stopping.abort();
    this.#stopped = this.#stopped.then(() => this.#stopParts());
    return this.#stopped;
  }

  async #stopParts(): Promise<void> {
    for (let part = this.#parts.pop(); part; part = this.#parts.pop()) {
      const { name, stop } = part;
      try {
        const done = Promise.resolve(stop()).then(() => true);
        const inTime = await Promise.race([done, delay(longestStop, false, { ref: false })]);
        if (!inTime) this.#logger.warn({ part: name }, 'did not stop in time; going on without it');
      } catch (error) {
        this.#logger.warn({ part: name, error: (error as Error).message }, 'failed to stop');
      }
    }
  }
}
