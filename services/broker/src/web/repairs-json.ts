/** `GET /repairs?t=json`: how the grid's queue of repairs is doing. The page of it reads this too. */
export interface RepairsJson {
  readonly jobs: Readonly<Record<'queued' | 'claimed' | 'waiting' | 'done' | 'failed', number>>;
  /** Of those that are queued, how many are in a pause after a failure. */
  readonly delayed: number;
  /** Of those that are queued, how many are put off until servers that are away are back, or given up. */
  readonly postponed: number;
  /** Files under watch by how many of their shares can still be lost; null: not known yet. */
  readonly watched: readonly { readonly spare: number | null; readonly files: number }[];
  /** Files in the queue by how many of their shares can still be lost, as found by the last check; fewest first. */
  readonly spare_shares: readonly { readonly spare: number; readonly files: number }[];
  /** Attempts that have ended in the last minute, by their results. */
  readonly last_minute: Readonly<Record<string, number>>;
  /** Why repairs pause: it looks as if the network were away, and not the servers; null where they do not. */
  readonly alarm: { readonly reason: string; readonly since: number } | null;
  /** Why the repairer that answered begins no job now, and until when in seconds since 1970; null where it does. */
  readonly paused: {
    readonly repairer: string;
    readonly reason: string;
    readonly until: number | null;
  } | null;
  /** The newest first. */
  readonly recent: readonly RecentRepairJson[];
}

/** An attempt at a job that has ended. */
export interface RecentRepairJson {
  /** The first letters of it. */
  readonly storage_index: string;
  /** `healthy`, `repaired`, `failed` or another that repairers tell. */
  readonly result: string;
  readonly error: string | null;
  readonly worker: string;
  /** Seconds since 1970. */
  readonly ended: number;
  readonly seconds: number;
  /** Different good shares before and after; null where not even a check came to its end. */
  readonly good_shares: readonly [before: number, after: number] | null;
}
