import { setTimeout as delay } from 'node:timers/promises';

/** Something for which no job is begun at times. */
export interface Pause {
  /** Why none is begun now, in a few words; undefined where it may be. */
  readonly reason: string | undefined;
  /** Milliseconds after which it may be otherwise. */
  readonly lookAgainAfter: number;
}

/** Why no job is begun now, by the first pause that has a reason. */
export function pauseReason(pauses: readonly Pause[]): string | undefined {
  for (const { reason } of pauses) if (reason !== undefined) return reason;
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
