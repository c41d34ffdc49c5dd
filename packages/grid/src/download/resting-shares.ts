import { setTimeout as delay } from 'node:timers/promises';
import type { FoundShare } from './found-share.js';

/**
 * Milliseconds after which a share is tried again whose server could not be reached: after the first time, the second, and
 * so on. A proxy, or a server that is started again, takes about as long as all of them.
 */
const rests = [1_000, 2_000, 4_000, 8_000, 8_000];

/** Shares whose servers could not be reached in the middle of a download: they may be back soon. */
export class RestingShares {
  /** How often each of them was lost. */
  readonly #lost = new Map<FoundShare, number>();
  /** When those that rest have done so, as `performance.now()` says it. */
  readonly #until = new Map<FoundShare, number>();

  /** Whether any share was ever lost. */
  get any(): boolean {
    return this.#lost.size > 0;
  }

  /**
   * Lets a share rest that was lost.
   *
   * @returns false where that has happened too often
   */
  add(share: FoundShare): boolean {
    const before = this.#lost.get(share) ?? 0;
    const rest = rests[before];
    if (rest === undefined) return false;
    this.#lost.set(share, before + 1);
    this.#until.set(share, performance.now() + rest);
    return true;
  }

  /** Those that have rested. They do so no longer. */
  takeRested(): FoundShare[] {
    const now = performance.now();
    const rested = [...this.#until].filter(([, until]) => until <= now).map(([share]) => share);
    for (const share of rested) this.#until.delete(share);
    return rested;
  }

  /** Resolves when the next has rested, or the signal aborts; undefined where none rests. */
  next(signal: AbortSignal): Promise<void> | undefined {
    if (this.#until.size === 0) return undefined;
    // A timer may go off a little early.
    const wait = Math.max(0, Math.min(...this.#until.values()) - performance.now()) + 1;
    return delay(wait, undefined, { signal }).catch(() => undefined);
  }
}
