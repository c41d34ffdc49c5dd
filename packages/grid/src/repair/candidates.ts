import type { Look } from '../check/look-at-file.js';
import type { ServerSet } from '../connections/server-set.js';
import { consideredFor } from '../upload/place-upload.js';
import type { PlacingServer } from '../upload/share-placing.js';

/**
 * The servers that a file's shares may stay on or go to: of those that stay and said what they hold, all that hold
 * something, and as many others as an upload would consider. Leaving ones are left out, so that what they hold finds
 * another place.
 *
 * @param total how many shares the file has
 */
export function candidatesFor(
  { results, servers, good }: Look,
  set: Pick<ServerSet, 'vouchedFor'>,
  total: number,
): PlacingServer[] {
  const vouched = new Set(set.vouchedFor(results.storageIndex).servers.map(({ id }) => id));
  const candidates = servers
    .filter(({ leaving }) => !leaving)
    .map((server) => ({
      server,
      holds: numbersOn(server.id, results.goodShares),
      refuses: numbersOn(server.id, results.corruptShares),
      mayTake: vouched.has(server.id),
    }));
  const holders = new Set(good.map(({ server }) => server.id));
  const others = candidates.filter(({ server }) => !holders.has(server.id)).slice(0, consideredFor(total));
  return candidates.filter((candidate) => holders.has(candidate.server.id) || others.includes(candidate));
}

function numbersOn(
  id: string,
  shares: readonly { readonly shareNumber: number; readonly serverId: string }[],
): Set<number> {
  return new Set(shares.filter(({ serverId }) => serverId === id).map(({ shareNumber }) => shareNumber));
}
