import type { CheckResults, ShareLocation } from '../check/check-results.js';

/** A share that a repair put somewhere. */
export interface PlacedShare extends ShareLocation {
  /** Whether it was copied whole from a server that has it, and not made anew from others. */
  readonly copied: boolean;
}

/** What a repair did, and how the file was before and after. */
export interface RepairResults {
  readonly before: CheckResults;
  /**
   * As found when the repair was over, or as it must be where that of a small file went as planned within seconds: what
   * was there, and what servers acknowledged. What `before` is where nothing was attempted.
   */
  readonly after: CheckResults;
  /** Whether something is missing, and was left so because whoever asked for the repair would rather wait. */
  readonly putOff: boolean;
  /** Whether it was tried to put anything anywhere. */
  readonly attempted: boolean;
  /** Whether something was attempted, and the file is healthy after it. */
  readonly successful: boolean;
  /** By share number. */
  readonly sharesPlaced: readonly PlacedShare[];
  /** Why shares could not be placed, one line each, without secrets. */
  readonly reasons: readonly string[];
  /** Bytes of shares that were read from servers and written to them. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** The results where nothing was done. */
export function nothingToRepair(before: CheckResults): RepairResults {
  return {
    before,
    after: before,
    putOff: false,
    attempted: false,
    successful: false,
    sharesPlaced: [],
    reasons: [],
    bytesRead: 0,
    bytesWritten: 0,
  };
}
