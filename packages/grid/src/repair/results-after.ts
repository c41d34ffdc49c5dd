import type { CheckResults } from '../check/check-results.js';
import { countFindings } from '../check/count-findings.js';
import type { Placed } from './place-missing.js';

/** Milliseconds for which is true what servers said that they hold: as long as a look itself may take to ask them all. */
const trueFor = 5_000;

/**
 * How a file is doing after a repair, without asking anybody again: as it was found just before, and with the shares that
 * servers have acknowledged as stored since. To ask every server once more would be most of what repairing a small file
 * costs.
 *
 * @param since milliseconds since servers were asked
 * @returns undefined where that may not be the whole truth: something went otherwise than was thought, shares have no
 *   place, or it took so long that more may have happened meanwhile
 */
export function resultsAfter(before: CheckResults, placed: Placed, since: number): CheckResults | undefined {
  if (since > trueFor || placed.reasons.length > 0 || placed.corrupt.length > 0) return undefined;
  const stored = placed.shares.map(({ shareNumber, serverId }) => ({ shareNumber, serverId }));
  // What was placed was not verified by anybody.
  const after = countFindings({
    ...before,
    verified: false,
    goodShares: [...before.goodShares, ...stored],
  });
  return after.healthy ? after : undefined;
}
