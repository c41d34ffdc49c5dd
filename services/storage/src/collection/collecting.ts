import { Repetition } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import type { StorageMetrics } from '../metrics.js';
import { type CollectOptions, collect } from './collect.js';
import { ServerBusyError } from './server-lock.js';

/** What collecting again and again needs. */
export interface CollectingOptions extends Omit<CollectOptions, 'onProgress' | 'signal'> {
  /** Milliseconds from the end of a pass to the next, and from the start to the first. */
  readonly every: number;
  /** Nothing is collected while the records have a problem. */
  readonly standing: { readonly problem: string | undefined };
  readonly metrics: StorageMetrics;
  readonly logger: Logger;
}

/** Makes a pass over the leases of the running server every so often. */
export class Collecting {
  readonly #options: CollectingOptions;
  readonly #stopping = new AbortController();

  constructor(options: CollectingOptions) {
    this.#options = options;
  }

  /** Begins, after a first pause: who could not renew while the server was away can do so now. */
  start(): () => Promise<void> {
    const repetition = new Repetition(() => this.#pass(), this.#options.every);
    const first = setTimeout(() => repetition.start(), this.#options.every);
    return async () => {
      clearTimeout(first);
      this.#stopping.abort();
      await repetition.stop();
    };
  }

  async #pass(): Promise<boolean> {
    const { metrics, logger, standing, every: _, ...options } = this.#options;
    if (standing.problem !== undefined) return true;
    const begun = performance.now();
    try {
      const done = await collect({ ...options, signal: this.#stopping.signal });
      const seconds = (performance.now() - begun) / 1000;
      metrics.collected(done, seconds);
      const told = { ...done, seconds: Math.round(seconds * 10) / 10 };
      if (done.failed > 0) logger.error(told, 'shares without a lease could not be removed');
      else logger.info(told, 'looked for leases that have run out');
      return true;
    } catch (error) {
      // Whoever is at it does what was to be done.
      if (error instanceof ServerBusyError) return true;
      logger.warn({ error: (error as Error).message }, 'a collection was broken off; trying again');
      return false;
    }
  }
}
