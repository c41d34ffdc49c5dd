import { setTimeout as delay } from 'node:timers/promises';

/** Something for which no job is begun at times. */
export interface Pause {
  /** Why none is begun now, in a few words; undefined where it may be. */
  readonly reason: string | undefined;
  /** Milliseconds after which it may be otherwise. */
  readonly lookAgainAfter: number;
  /** When it ends, where that is known. */
  readonly until?: Date | undefined;
}

/** That no job is begun now, by the first pause that has a reason. */
export function pausedNow(
  pauses: readonly Pause[],
): { readonly reason: string; readonly until: Date | undefined } | undefined {
  for (const { reason, until } of pauses) if (reason !== undefined) return { reason, until };
  return undefined;
}

/** Resolves when no pause has a reason, or the signal has aborted. */
export async function untilUnpaused(pauses: readonly Pause[], signal: AbortSignal): Promise<void> {
  for (;;) {
    const paused = pauses.find(({ reason }) => reason !== undefined);
    if (!paused || signal.aborted) return;
    await delay(paused.lookAgainAfter, undefined, { signal }).catch(() => undefined);
  }
}
