/** How many servers that are away are dialled per second, where there are more than these: a few percent of a processor. */
const usualRate = 50;
/** How many may be dialled at once after a while in which none was, or while those that are dialled answer. */
const usualBurst = 250;

/** What bounds the dials of a set of servers. */
export interface DialTurnsOptions {
  readonly perSecond?: number;
  readonly burst?: number;
}

/**
 * Bounds how often the servers that are not connected are dialled, all together: each of thousands that are away, tried
 * every few seconds for nothing, would keep a processor and the network busy. A dial that reaches its server costs
 * those that wait nothing, so that all servers are connected soon after a start, and when the own network is back.
 */
export class DialTurns {
  readonly #between: number;
  readonly #burst: number;
  #free: number;
  #freeAt = performance.now();
  /** In the order in which they came; the urgent ones first. */
  readonly #urgent = new Set<() => void>();
  readonly #others = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor({ perSecond = usualRate, burst = usualBurst }: DialTurnsOptions = {}) {
    this.#between = 1000 / perSecond;
    this.#burst = burst;
    this.#free = burst;
  }

  /**
   * Waits for a turn.
   *
   * @param begin called when it has come, at once where nobody waits
   * @param urgent whether it comes before those that are not
   * @returns what ends the wait
   */
  wait(begin: () => void, urgent: boolean): () => void {
    const queue = urgent ? this.#urgent : this.#others;
    queue.add(begin);
    this.#serve();
    return () => {
      queue.delete(begin);
    };
  }

  /** The server that was dialled answered: somebody else may be dialled instead. */
  giveBack(): void {
    this.#free = Math.min(this.#free + 1, this.#burst);
    this.#serve();
  }

  #serve(): void {
    const now = performance.now();
    this.#free = Math.min(this.#free + (now - this.#freeAt) / this.#between, this.#burst);
    this.#freeAt = now;
    for (const queue of [this.#urgent, this.#others])
      for (const begin of queue) {
        if (this.#free < 1) break;
        this.#free--;
        queue.delete(begin);
        begin();
      }
    if (this.#timer !== undefined || this.#urgent.size + this.#others.size === 0) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#serve();
      },
      Math.ceil((1 - this.#free) * this.#between),
    );
  }
}
