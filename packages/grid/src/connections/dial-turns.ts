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
  /** In the order in which they came. */
  readonly #urgent = new Set<() => void>();
  readonly #others = new Set<() => void>();
  #lastWasUrgent = false;
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
   * @param urgent whether those that are not urgent wait for it, which they do every other turn
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
    while (this.#free >= 1) {
      const begin = this.#next();
      if (!begin) break;
      this.#free--;
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

  /**
   * Takes who is to begin from the queues by turns, while there is somebody in both: a server is urgent by being
   * announced, which whoever has many keys can do as often as he likes.
   */
  #next(): (() => void) | undefined {
    const [first, second] = this.#lastWasUrgent ? [this.#others, this.#urgent] : [this.#urgent, this.#others];
    const queue = first.size > 0 ? first : second;
    const [begin] = queue;
    if (!begin) return undefined;
    queue.delete(begin);
    this.#lastWasUrgent = queue === this.#urgent;
    return begin;
  }
}
