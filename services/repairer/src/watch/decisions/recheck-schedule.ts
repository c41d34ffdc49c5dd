import { type FileHealth, spareShares } from './file-health.js';

/** Of an interval, how much a recheck comes sooner or later by chance, so that files do not fall into step. */
const looseness = 0.05;

/**
 * From one check of a file to the next, in the unit of `period`: the whole period where nothing is missing, and in
 * proportion less the fewer spare shares there are.
 */
export function recheckInterval(health: FileHealth, period: number): number {
  const most = health.expected - health.needed;
  const spare = Math.min(Math.max(spareShares(health), 0), most);
  return (period * (spare + 1)) / (most + 1);
}

/**
 * How long after a check the next one is due.
 *
 * @param chance from 0 to below 1
 */
export function timeToNextCheck(health: FileHealth, period: number, chance: number): number {
  return recheckInterval(health, period) * (1 - looseness + 2 * looseness * chance);
}

/**
 * The same where many files are given a time at once: after their first check, or when a server was given up that many
 * of them had shares on. Anywhere in the interval, so that they are spread evenly over it from then on.
 *
 * @param chance from 0 to below 1
 */
export function timeToSpreadCheck(health: FileHealth, period: number, chance: number): number {
  return recheckInterval(health, period) * (1 - chance);
}
