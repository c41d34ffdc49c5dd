import type { Database } from '@holdfast/common/database';
import { type QueueStatus, queueStatus } from './queue-status.js';

const leastAge = 500;
/** How many times as long as it took to count it a status is good for: counting a long queue must not be all we do. */
const costFactor = 20;
const recentAttempts = 25;

/** The status of a grid's queue, counted anew no more often than the queue's length allows. */
export class StatusCache {
  readonly #database: Database;
  readonly #grid: string;
  #counted: Promise<QueueStatus> | undefined;

  constructor(database: Database, grid: string) {
    this.#database = database;
    this.#grid = grid;
  }

  get(): Promise<QueueStatus> {
    this.#counted ??= this.#count();
    return this.#counted;
  }

  async #count(): Promise<QueueStatus> {
    const began = performance.now();
    try {
      const status = await queueStatus(this.#database, this.#grid, recentAttempts);
      const cost = performance.now() - began;
      setTimeout(() => this.#forget(), Math.max(leastAge, cost * costFactor)).unref();
      return status;
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  #forget(): void {
    this.#counted = undefined;
  }
}
