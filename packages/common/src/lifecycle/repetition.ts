import { setTimeout as delay } from 'node:timers/promises';

const shortestWait = 200;
const longestWait = 15_000;

/**
 * Does something again and again, in the background: with growing pauses, half of them chance, until it succeeds;
 * after that every so often, or when it says itself; and at once when told to.
 */
export class Repetition {
  readonly #work: () => Promise<boolean | number>;
  readonly #repeatAfter: number;
  readonly #stopping = new AbortController();
  #again = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /**
   * @param work resolves to whether it succeeded, or where it did to the milliseconds until the next time; does not
   *   reject
   * @param repeatAfter milliseconds from a success to the next time, where `work` does not say
   */
  constructor(work: () => Promise<boolean | number>, repeatAfter: number) {
    this.#work = work;
    this.#repeatAfter = repeatAfter;
  }

  get stopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Once more, now, or as soon as the time under way has ended. */
  again(): void {
    this.#again.abort();
  }

  /** Resolves when the time under way has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#again.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    let wait = shortestWait;
    while (!this.stopping) {
      this.#again = new AbortController();
      const succeeded = await this.#work();
      wait = succeeded === false ? Math.min(wait * 2, longestWait) : shortestWait;
      const next = succeeded === true ? this.#repeatAfter : succeeded;
      const pause = next === false ? wait * (0.5 + Math.random()) : next;
      await delay(pause, undefined, { signal: this.#again.signal }).catch(() => undefined);
    }
  }
}
