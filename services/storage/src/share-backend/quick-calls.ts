/** Milliseconds: what takes longer did not come from memory. A cold solid-state disk takes less, a turning one more. */
const slow = 5;
/** Milliseconds for which nothing is done at once after something was slow; at least this many times as long as it took. */
const pause = 500;
const pauseFactor = 50;

/**
 * Does small system calls at once while they are quick, and by the thread pool while they are not.
 *
 * Most folders and headers of shares are in the system's memory, where a look takes some microseconds; to hand it to a
 * thread and back takes a tenth of a millisecond and more of processor time, several times for each request, and was
 * half of what a server did to answer a check. A call that has to wait for a disk must not hold up everybody, though:
 * the first that does is the last for half a second, and the longer it took for the longer.
 */
export class QuickCalls {
  readonly #now: () => number;
  #slowUntil = Number.NEGATIVE_INFINITY;

  /** @param now a clock, in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** What one of two ways to do the same gives; errors are those of either. */
  async do<T>(atOnce: () => T, byThread: () => Promise<T>): Promise<T> {
    const begun = this.#now();
    if (begun < this.#slowUntil) return byThread();
    try {
      return atOnce();
    } finally {
      const ended = this.#now();
      if (ended - begun > slow) this.#slowUntil = ended + Math.max(pause, pauseFactor * (ended - begun));
    }
  }
}
