/**
 * Which servers hold, or will hold, each share: share number to server ids.
 */
export type ShareMap = ReadonlyMap<number, ReadonlySet<string>>;

/**
 * Servers of happiness: the size of a largest set of (server, share) pairs in which no server and no share stands
 * twice (docs: servers-of-happiness.rst, "Measuring Servers of Happiness").
 */
export function serversOfHappiness(shares: ShareMap): number {
  return largestMatching(shares).size;
}

/**
 * A largest matching of shares to servers, by augmenting paths. Shares and servers that stand earlier are preferred.
 *
 * @returns share number to server id, each server at most once
 */
export function largestMatching(shares: ShareMap): Map<number, string> {
  const shareOf = new Map<string, number>();
  const serverOf = new Map<number, string>();

  const place = (share: number, visited: Set<string>): boolean => {
    const servers = shares.get(share) ?? new Set<string>();
    for (const server of servers) {
      if (shareOf.has(server) || visited.has(server)) continue;
      shareOf.set(server, share);
      serverOf.set(share, server);
      return true;
    }
    for (const server of servers) {
      if (visited.has(server)) continue;
      visited.add(server);
      const other = shareOf.get(server);
      if (other === undefined || !place(other, visited)) continue;
      shareOf.set(server, share);
      serverOf.set(share, server);
      return true;
    }
    return false;
  };

  for (const share of shares.keys()) place(share, new Set());
  return serverOf;
}
