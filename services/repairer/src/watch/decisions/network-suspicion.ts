/** What speaks for or against the network between the repairers and the servers. */
export interface NetworkEvidence {
  /** Servers that were not given up before. */
  readonly servers: number;
  /** How many of them nobody reaches. */
  readonly away: number;
  /** Checks that ended lately. */
  readonly checks: number;
  /** How many of them failed, or got no answer from most of the servers they asked. */
  readonly failedChecks: number;
}

/** Whether the network is suspected. */
export interface NetworkSuspicion {
  readonly suspected: boolean;
  /** What for; undefined where it is not. */
  readonly reason: SuspicionReason | undefined;
  /** Milliseconds for which nothing has spoken against it any more, while it still is. */
  readonly quiet: number;
}

export type SuspicionReason = 'servers-away' | 'checks-failing';

export const unsuspected: NetworkSuspicion = { suspected: false, reason: undefined, quiet: 0 };

/** Fewer checks than this say nothing: a few files may have a trouble of their own. */
const fewestChecks = 20;
/** Fewer servers than this say nothing: of two one is no more than the other. */
export const fewestServers = 3;

/**
 * Thinks again. That most servers are away, or most checks fail, is not the fault of each of them: the network is
 * suspected, and no server given up, until for some time it was not so any more.
 *
 * @param since milliseconds since the last time
 * @param settle milliseconds for which all must be well, so that a network that comes and goes is not believed each time
 */
export function suspectNetwork(
  before: NetworkSuspicion,
  evidence: NetworkEvidence,
  since: number,
  settle: number,
): NetworkSuspicion {
  const reason = reasonIn(evidence);
  if (reason) return { suspected: true, reason, quiet: 0 };
  if (!before.suspected) return unsuspected;
  const quiet = before.quiet + since;
  return quiet >= settle ? unsuspected : { ...before, quiet };
}

function reasonIn({ servers, away, checks, failedChecks }: NetworkEvidence): SuspicionReason | undefined {
  if (servers >= fewestServers && 2 * away > servers) return 'servers-away';
  if (checks >= fewestChecks && 2 * failedChecks > checks) return 'checks-failing';
  return undefined;
}
