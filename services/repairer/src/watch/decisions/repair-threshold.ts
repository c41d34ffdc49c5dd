import type { FileHealth } from './file-health.js';

/** When repair is worth what it costs. A file of which one share is missing is in no danger. */
export interface RepairThreshold {
  /** Below so many servers of happiness a file is repaired. */
  readonly servers: number;
  /** A file is repaired where more of its shares than this are missing. */
  readonly missingShares: number;
}

/** For grids whose brokers ask for so many servers of happiness: fewer than happy + 1 servers, or than n - 2 shares. */
export function usualThreshold(happy: number): RepairThreshold {
  return { servers: happy + 1, missingShares: 2 };
}

/**
 * Whether a file is to be repaired. What no repair can reach is not asked for: more servers than the file has shares, or
 * than the grid has for new shares. However many shares may be missing, one more than is needed must be left.
 *
 * @param usableServers servers that new shares may be put on
 */
export function isRepairWorthwhile(
  { needed, expected, lasting, servers }: FileHealth,
  threshold: RepairThreshold,
  usableServers: number,
): boolean {
  const leastShares = Math.min(expected, Math.max(expected - threshold.missingShares, needed + 1));
  return lasting < leastShares || servers < Math.min(threshold.servers, expected, usableServers);
}
