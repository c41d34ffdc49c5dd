import { setTimeout as delay } from 'node:timers/promises';

const shortestWait = 200;
const longestWait = 15_000;

/**
 * Does something again and again, in the background: with growing pauses, half of them chance, until it succeeds;
 * after that every so often; and at once when told to.
 */
export class Repetition {
  readonly #work: () => Promise<boolean>;
  readonly #repeatAfter: number;
  readonly #stopping = new AbortController();
  #again = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /**
   * @param work resolves to whether it succeeded; does not reject
   * @param repeatAfter milliseconds from a success to the next time
   */
  constructor(work: () => Promise<boolean>, repeatAfter: number) {
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
      wait = succeeded ? shortestWait : Math.min(wait * 2, longestWait);
      const pause = succeeded ? this.#repeatAfter : wait * (0.5 + Math.random());
      await delay(pause, undefined, { signal: this.#again.signal }).catch(() => undefined);
    }
  }
}
