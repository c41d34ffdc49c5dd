import type { RepairThreshold } from './decisions/index.js';

/** By what the watch goes. Times in milliseconds. */
export interface WatchTerms {
  /** From one check of a file that nothing is missing of to the next. */
  readonly period: number;
  /** For how long shares on a server that is away are not counted as lost. */
  readonly grace: number;
  /** For how long all must be well until the network is trusted again. */
  readonly settle: number;
  readonly threshold: RepairThreshold;
  /** Jobs of the watch that may be in the queue at once. */
  readonly backlog: number;
}

/** A file is not repaired again before so long, whatever a check says: the grid may not have the servers for it. */
export const restAfterRepair = 24 * 60 * 60_000;
