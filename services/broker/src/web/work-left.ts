import type { RepairsJson } from './repairs-json.js';

/** What of the queue is to be done now, and how fast that goes. */
export interface WorkLeft {
  /** Jobs that are to be done now, or are being done: not those that are put off, maybe for days. */
  readonly left: number;
  /** Attempts that ended in the last minute. That a job was put off counts as none. */
  readonly ended: number;
  /** Seconds that the rest takes at that rate; undefined where nothing is left, or nothing ended. */
  readonly seconds: number | undefined;
}

/** Sums up what repairers say of their queue. */
export function workLeft({
  jobs,
  postponed,
  last_minute,
}: Pick<RepairsJson, 'jobs' | 'postponed' | 'last_minute'>): WorkLeft {
  const left = jobs.queued + jobs.claimed - postponed;
  const ended = Object.entries(last_minute).reduce(
    (sum, [result, count]) => (result === 'postponed' ? sum : sum + count),
    0,
  );
  return { left, ended, seconds: ended > 0 && left > 0 ? (60 * left) / ended : undefined };
}
