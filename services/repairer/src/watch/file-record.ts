import { type CheckResults, type ShareLocation, serversOfHappiness } from '@holdfast/grid';
import { type FileHealth, isLasting, type ServerState } from './decisions/index.js';

/** What is on record of a file's shares, and how healthy it is by that. */
export interface FileRecord {
  readonly shares: readonly ShareLocation[];
  /** Undefined where nothing ever said how many shares the file needs. */
  readonly health: FileHealth | undefined;
}

/** What was known of a file before a check. */
export interface FileBefore {
  readonly shares: readonly ShareLocation[];
  readonly needed: number | undefined;
  readonly expected: number | undefined;
}

/**
 * The record after a check: the shares that were found good, and of what was on record before those on servers that did
 * not answer. These stay for the server's grace time, so that nobody makes them again for an outage.
 *
 * @param stateOf of a server that did not answer
 */
export function recordCheck(
  results: CheckResults,
  before: FileBefore,
  stateOf: (serverId: string) => ServerState,
): FileRecord {
  const responding = new Set(results.serversResponding);
  const awaited = before.shares.filter(
    ({ serverId }) => !responding.has(serverId) && stateOf(serverId) !== 'gone',
  );
  const needed = results.needed ?? before.needed;
  const expected = results.expected ?? before.expected;
  const seen = [...results.goodShares, ...results.leavingShares];
  const shares = [...seen, ...awaited];
  if (needed === undefined || expected === undefined) return { shares, health: undefined };
  const lasting = [...results.goodShares, ...awaited.filter(({ serverId }) => isLasting(stateOf(serverId)))];
  return { shares, health: { needed, expected, readable: differentShares(seen), ...countLasting(lasting) } };
}

/** A file's health by its record alone, where nobody was asked. */
export function healthOnRecord(
  { shares, needed, expected }: FileBefore & { readonly needed: number; readonly expected: number },
  stateOf: (serverId: string) => ServerState,
): FileHealth {
  const readable = shares.filter(({ serverId }) => ['active', 'leaving'].includes(stateOf(serverId)));
  const lasting = shares.filter(({ serverId }) => isLasting(stateOf(serverId)));
  return { needed, expected, readable: differentShares(readable), ...countLasting(lasting) };
}

/** Whether a check tells of the network rather than of the file: most servers that are not given up did not answer. */
export function isFailedCheck(
  { serversResponding, serversFailed }: CheckResults,
  stateOf: (serverId: string) => ServerState,
): boolean {
  const responding = new Set(serversResponding);
  const silent = serversFailed.filter(
    ({ serverId }) => !responding.has(serverId) && stateOf(serverId) !== 'gone',
  );
  return new Set(silent.map(({ serverId }) => serverId)).size > responding.size;
}

function differentShares(shares: readonly ShareLocation[]): number {
  return new Set(shares.map(({ shareNumber }) => shareNumber)).size;
}

function countLasting(shares: readonly ShareLocation[]): Pick<FileHealth, 'lasting' | 'servers'> {
  const holders = new Map<number, Set<string>>();
  for (const { shareNumber, serverId } of shares)
    holders.set(shareNumber, (holders.get(shareNumber) ?? new Set()).add(serverId));
  return { lasting: holders.size, servers: serversOfHappiness(holders) };
}
