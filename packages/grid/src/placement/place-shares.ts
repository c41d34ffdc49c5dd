import { largestMatching } from './happiness.js';

/** A server as placement sees it. */
export interface Candidate {
  readonly id: string;
  /** Whether new shares may be put there. */
  readonly writable: boolean;
  /** The shares of this file that it holds. */
  readonly holds: ReadonlySet<number>;
  /** Shares that cannot be put there though others can: what it has of that number is not what it should be. */
  readonly refuses?: ReadonlySet<number>;
}

/** Where each share is, and where each that is to be made shall go. Every share number is in one of the two. */
export interface Placement {
  /** Shares that are there already and stay: share number to server id. */
  readonly existing: ReadonlyMap<number, string>;
  /** Shares to upload: share number to server id. */
  readonly uploads: ReadonlyMap<number, string>;
}

/**
 * Places the `total` shares of a file by servers of happiness (docs: servers-of-happiness.rst, "Upload Strategy"):
 * first the shares that read-only servers hold, then those that writable ones hold, each server counted for one
 * share; then one share, rather one that nobody holds, for each writable server that has none yet; and what is left over
 * stays where it is or goes to the servers with the fewest.
 *
 * @param candidates in the order of preference (the file's server permutation)
 * @param total how many shares the file has
 * @returns a placement; shares are left out only where no server takes them
 */
export function placeShares(candidates: readonly Candidate[], total: number): Placement {
  const existing = new Map<number, string>();
  const uploads = new Map<number, string>();
  const used = new Set<string>();

  for (const writable of [false, true]) {
    const held = new Map<number, Set<string>>();
    for (const { id, holds, writable: itsWritable } of candidates) {
      if (itsWritable !== writable || used.has(id)) continue;
      for (const share of holds) {
        if (share >= total || existing.has(share)) continue;
        const servers = held.get(share) ?? new Set();
        held.set(share, servers.add(id));
      }
    }
    for (const [share, server] of largestMatching(held)) {
      existing.set(share, server);
      used.add(server);
    }
  }

  const free = candidates.filter(({ id, writable }) => writable && !used.has(id));
  const held = new Set(candidates.flatMap(({ holds }) => [...holds]));
  const missing = Array.from({ length: total }, (_, share) => share).filter((share) => !existing.has(share));
  const wishes = new Map<number, ReadonlySet<string>>();
  const all = new Set(free.map(({ id }) => id));
  const takersOf = (share: number) => {
    const refusing = free.filter(({ refuses }) => refuses?.has(share));
    return refusing.length === 0
      ? all
      : new Set([...all].filter((id) => !refusing.some((one) => one.id === id)));
  };
  // Shares that are nowhere first: of the others a second copy would be made.
  for (const share of [
    ...missing.filter((each) => !held.has(each)),
    ...missing.filter((each) => held.has(each)),
  ])
    wishes.set(share, takersOf(share));
  for (const [share, server] of largestMatching(wishes)) uploads.set(share, server);
  const left = missing.filter((share) => !uploads.has(share));
  placeTheRest(candidates, left, existing, uploads);
  return { existing, uploads };
}

/** Shares beyond one a server: they stay where they are held, or go where the fewest shares are. */
function placeTheRest(
  candidates: readonly Candidate[],
  left: readonly number[],
  existing: Map<number, string>,
  uploads: Map<number, string>,
): void {
  const takers = candidates.filter(({ writable }) => writable);
  const load = new Map(takers.map(({ id }) => [id, 0]));
  const count = (server: string) => {
    const shares = load.get(server);
    if (shares !== undefined) load.set(server, shares + 1);
  };
  for (const server of [...existing.values(), ...uploads.values()]) count(server);
  for (const share of left) {
    const holder = candidates.find(({ holds }) => holds.has(share))?.id;
    if (holder !== undefined) {
      existing.set(share, holder);
      count(holder);
      continue;
    }
    let least: string | undefined;
    for (const { id, refuses } of takers) {
      if (refuses?.has(share)) continue;
      if (least === undefined || (load.get(id) ?? 0) < (load.get(least) ?? 0)) least = id;
    }
    if (least === undefined) continue;
    uploads.set(share, least);
    count(least);
  }
}
