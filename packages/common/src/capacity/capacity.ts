/** What a capacity is made with. */
export interface CapacityOptions {
  /** What it is of, for the error: `uploads`, `memory for uploads`. */
  readonly of: string;
  /** How much there is: bytes, places, whatever is counted. */
  readonly size: number;
  /** Most who wait at a time. */
  readonly longestLine?: number;
  /** Milliseconds that one waits at most. */
  readonly longestWait?: number;
}

/** A part of a capacity that somebody holds. */
export interface Reservation {
  /** Gives back all but `amount`, where more is held. */
  shrinkTo(amount: number): void;
  /** Gives back what is held; later calls do nothing. */
  release(): void;
}

/** There is more to do than can be done: to be tried again later. */
export class OverloadedError extends Error {
  override readonly name = 'OverloadedError';
  readonly code = 'overloaded';

  constructor(readonly of: string) {
    super(`no ${of} left, and too many or too long in line for it; try again later`);
  }
}

interface Waiter {
  readonly amount: number;
  readonly admit: () => void;
}

/**
 * A number of places or bytes of which each taker takes some and gives it back. Those who find too little left wait
 * in line and are served in order, so that one who wants much is not passed by for ever by those who want little;
 * where the line is too long or the wait too long, they are turned away.
 */
export class Capacity {
  readonly size: number;
  readonly #of: string;
  readonly #longestLine: number;
  readonly #longestWait: number;
  readonly #line: Waiter[] = [];
  #taken = 0;

  constructor({ of, size, longestLine = 1_000, longestWait = 30_000 }: CapacityOptions) {
    this.#of = of;
    this.size = size;
    this.#longestLine = longestLine;
    this.#longestWait = longestWait;
  }

  /** How much is held. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes `amount`, waiting for it where too little is left.
   *
   * @throws OverloadedError, the signal's reason, or a RangeError for more than there is in all
   */
  async take(amount: number, signal?: AbortSignal): Promise<Reservation> {
    signal?.throwIfAborted();
    if (amount > this.size)
      throw new RangeError(`${amount} of ${this.#of} asked for; there are ${this.size}`);
    const now = this.takeNow(amount);
    if (now) return now;
    await this.#wait(amount, signal);
    return this.#reservation(amount);
  }

  /** Takes `amount` where nobody has to wait for it; undefined elsewhere. */
  takeNow(amount: number): Reservation | undefined {
    if (this.#line.length > 0 || this.#taken + amount > this.size) return undefined;
    this.#taken += amount;
    return this.#reservation(amount);
  }

  #reservation(amount: number): Reservation {
    let held = amount;
    const shrinkTo = (less: number) => {
      if (less >= held) return;
      this.#taken -= held - less;
      held = less;
      this.#admit();
    };
    return { shrinkTo, release: () => shrinkTo(0) };
  }

  /** Serves the line from its head, as far as there is enough. */
  #admit(): void {
    for (let next = this.#line[0]; next && this.#taken + next.amount <= this.size; next = this.#line[0]) {
      this.#line.shift();
      this.#taken += next.amount;
      next.admit();
    }
  }

  #wait(amount: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#line.length >= this.#longestLine) throw new OverloadedError(this.#of);
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const leave = (reason: unknown) => {
        this.#line.splice(this.#line.indexOf(waiter), 1);
        settle();
        reject(reason);
        // Whoever stood behind may want less.
        this.#admit();
      };
      const onAbort = () => leave(signal?.reason);
      const timer = setTimeout(() => leave(new OverloadedError(this.#of)), this.#longestWait);
      const waiter = {
        amount,
        admit: () => {
          settle();
          resolve();
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#line.push(waiter);
    });
  }
}
