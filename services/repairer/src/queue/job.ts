import type { RepairFile } from './repair-file.js';

/**
 * `queued`: to be done, at once or after a pause; `claimed`: a worker has it; `waiting`: too few of its shares are left,
 * until servers come back; `done`; `failed`: as often as is allowed.
 */
export type JobState = 'queued' | 'claimed' | 'waiting' | 'done' | 'failed';

export const jobStates: readonly JobState[] = ['queued', 'claimed', 'waiting', 'done', 'failed'];

/** In SQL, whether a job is put off until servers that are away are back, or given up. */
export const isPostponed =
  "(state = 'queued' and not_before is not null and last_result is not distinct from 'postponed')";

/**
 * How an attempt at a job ended. `not-worthwhile`: the file lacks something, and the watch finds that it can wait;
 * `postponed`: servers are away that are expected back, and nothing was repaired; `lost`: its worker was not heard of in time.
 */
export type AttemptResult =
  | 'healthy'
  | 'repaired'
  | 'not-worthwhile'
  | 'postponed'
  | 'unrecoverable'
  | 'failed'
  | 'lost';

/** A job that a worker holds until `until`, if it does not extend it. */
export interface ClaimedJob {
  readonly file: RepairFile;
  /** Whether every byte of its shares is to be read. */
  readonly verify: boolean;
  /** Whether it is repaired only where the watch finds that worth it. */
  readonly onlyIfWorthwhile: boolean;
  /** Whether it waits for storage servers that are away and expected back. */
  readonly patient: boolean;
  /** Milliseconds since it was asked for, or tried again by hand. */
  readonly queuedFor: number;
  readonly source: string;
  readonly generation: number;
  /** Which attempt of its generation this is, from 1. */
  readonly attempt: number;
  /** Tells this claim from every other one of the job. */
  readonly claim: number;
  readonly worker: string;
}

/** What a check found and a repair did, as it is kept, shown and told: it names no capability. */
export interface JobOutcome {
  /** Whether the shares were checked against a capability, and not only against each other. */
  readonly authenticated: boolean;
  readonly needed: number | null;
  readonly expected: number | null;
  readonly goodSharesBefore: number;
  readonly goodSharesAfter: number;
  readonly corruptShares: number;
  readonly sharesPlaced: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}
