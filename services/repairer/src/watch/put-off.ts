import type { CheckResults, FailedServer } from '@holdfast/grid';
import { canWaitForServers } from './decisions/index.js';
import type { RecordedServers } from './recorded-servers.js';

/**
 * Whether a file's repair is put off: servers that are likely to hold some of its shares did not answer and are expected
 * back, and the file is in no danger meanwhile. Nothing is waited for where a share was found to be corrupt: no server
 * brings that back.
 */
export function isPutOff(results: CheckResults, servers: Pick<RecordedServers, 'isExpectedBack'>): boolean {
  const { needed, expected, goodShares, leavingShares, corruptShares, serversFailed } = results;
  if (needed === undefined || expected === undefined || corruptShares.length > 0) return false;
  // One that answered, and could not give a share, is not away.
  const responding = new Set(results.serversResponding);
  const awaited = ({ serverId, place }: FailedServer) =>
    place < likelyPlaces(expected) && !responding.has(serverId) && servers.isExpectedBack(serverId);
  return (
    serversFailed.some(awaited) &&
    canWaitForServers({ needed, expected, staying: goodShares, leaving: leavingShares })
  );
}

/** An upload goes to the first servers of a file's order that take a share: rarely to one beyond these. */
function likelyPlaces(expected: number): number {
  return 2 * expected;
}
