import type { RepairStatus } from '@holdfast/common/repairs';
import type { pausedNow } from '../restraint/pause.js';

/** That a repairer begins no job now, as it is told; null where it does. */
export function shownPause(repairer: string, paused: ReturnType<typeof pausedNow>): RepairStatus['paused'] {
  if (!paused) return null;
  return { repairer, reason: paused.reason, until: paused.until?.toISOString() ?? null };
}
