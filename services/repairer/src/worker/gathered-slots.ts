/**
 * Slots of a worker that have ended their jobs wait here for each other, to begin the next ones together: what their jobs
 * ask of storage servers and of Postgres then goes in common requests and commits, where jobs that each begin in a moment
 * of their own have hardly any in common.
 */
export class GatheredSlots {
  readonly #enough: number;
  readonly #working: () => number;
  readonly #longestWait: number;
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param enough how many slots need not wait for more
   * @param working how many are at work: where none is, nobody else will come soon
   * @param longestWait milliseconds that a slot waits for others at most
   */
  constructor(enough: number, working: () => number, longestWait: number) {
    this.#enough = enough;
    this.#working = working;
    this.#longestWait = longestWait;
  }

  /** Resolves, for all that wait at the time, when enough do, none is at work, or the first has waited for long. */
  together(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length >= this.#enough || this.#working() === 0) this.#begin();
      else this.#timer ??= setTimeout(() => this.#begin(), this.#longestWait);
    });
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
