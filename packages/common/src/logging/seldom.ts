const logAgainAfter = 10 * 60_000;
const mostKinds = 1_000;

/**
 * Lets one of many like events into the log, and counts the others: what anybody outside can cause must not fill it.
 */
export class Seldom {
  readonly #kinds = new Map<string, { until: number; missed: number }>();
  readonly #now: () => number;

  /** @param now milliseconds */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * Asks for one event of a kind.
   *
   * @returns undefined where it is not to be logged; else how many were not since the last that was
   */
  take(kind: string): number | undefined {
    const now = this.#now();
    const known = this.#kinds.get(kind);
    if (known && now < known.until) {
      known.missed++;
      return undefined;
    }
    this.#kinds.delete(kind);
    this.#kinds.set(kind, { until: now + logAgainAfter, missed: 0 });
    for (const oldest of this.#kinds.keys()) {
      if (this.#kinds.size <= mostKinds) break;
      this.#kinds.delete(oldest);
    }
    return known?.missed ?? 0;
  }
}
