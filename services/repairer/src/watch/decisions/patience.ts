/** The shares of a file that were found, and how many there should be. */
export interface FoundShares {
  /** k: shares from which the file can be made again. */
  readonly needed: number;
  /** n: shares that the file has when nothing is missing. */
  readonly expected: number;
  /** Good shares on servers that stay. */
  readonly staying: readonly ShareOnServer[];
  /** Good shares on servers that are leaving. */
  readonly leaving: readonly ShareOnServer[];
}

interface ShareOnServer {
  readonly shareNumber: number;
  readonly serverId: string;
}

/**
 * Whether a file's repair can wait for servers that are away, and might bring back what is missing: half of its spare
 * shares or more are on servers that stay, and so that the loss of no one of these would lose the file.
 */
export function canWaitForServers({ needed, expected, staying, leaving }: FoundShares): boolean {
  if (different([...staying, ...leaving]) >= expected) return false;
  if (2 * (different(staying) - needed) < expected - needed) return false;
  const servers = new Set(staying.map(({ serverId }) => serverId));
  return [...servers].every(
    (lost) => different(staying.filter(({ serverId }) => serverId !== lost)) >= needed,
  );
}

function different(shares: readonly ShareOnServer[]): number {
  return new Set(shares.map(({ shareNumber }) => shareNumber)).size;
}
