/**
 * What the watch thinks of a storage server. Leaving: its operator drains it. Suspected: nobody reaches it, and its grace
 * time is not over. Gone: its shares count as lost, until it answers again.
 */
export type ServerState = 'active' | 'leaving' | 'suspected' | 'gone';

/** A look at a server. */
export interface ServerLook {
  /** Whether any repairer reaches it. */
  readonly reached: boolean;
  /** Milliseconds since the look before. */
  readonly since: number;
  /** Whether it is the network that is suspected, at this moment. */
  readonly networkSuspected: boolean;
}

/** Time in which nobody looked is no absence: more than this between two looks counts as this. */
const longestBetweenLooks = 10 * 60_000;
/** A server that is back makes up for its absence so many times as fast, and does not begin anew with each return. */
const forgiveness = 4;

/**
 * A server's absence after a look: milliseconds in which it was looked for and not reached, less the time for which it
 * has been back since, so that one which is hardly ever there is given up all the same. It stands still while the network
 * is suspected.
 *
 * @param absence as it was before
 */
export function absenceAfter(absence: number, { reached, since, networkSuspected }: ServerLook): number {
  const time = Math.min(Math.max(since, 0), longestBetweenLooks);
  if (reached) return Math.max(0, absence - forgiveness * time);
  return networkSuspected ? absence : absence + time;
}

/**
 * The state of a server.
 *
 * @param grace milliseconds for which shares on a server that is away are not counted as lost
 */
export function serverState(
  server: { readonly reached: boolean; readonly absence: number; readonly leaving: boolean },
  grace: number,
): ServerState {
  if (!server.reached && server.absence >= grace) return 'gone';
  if (server.leaving) return 'leaving';
  return server.reached ? 'active' : 'suspected';
}

/** Whether shares on a server in this state are counted on. */
export function isLasting(state: ServerState): boolean {
  return state === 'active' || state === 'suspected';
}
