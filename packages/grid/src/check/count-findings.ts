import { serversOfHappiness } from '../placement/index.js';
import type { CheckFindings, CheckResults, ShareLocation } from './check-results.js';

/** The results that follow from what a check has found. */
export function countFindings(findings: CheckFindings): CheckResults {
  const { capability, defect } = findings;
  const goodShares = inOrder(findings.goodShares);
  const leavingShares = inOrder(findings.leavingShares);
  const holders = new Map<number, Set<string>>();
  for (const { shareNumber, serverId } of goodShares)
    holders.set(shareNumber, (holders.get(shareNumber) ?? new Set()).add(serverId));
  const readable = new Set([...holders.keys(), ...leavingShares.map(({ shareNumber }) => shareNumber)]);
  return {
    ...findings,
    defect,
    goodShares,
    leavingShares,
    corruptShares: inOrder(findings.corruptShares),
    needed: capability?.required,
    expected: capability?.total,
    goodShareCount: holders.size,
    goodShareHosts: new Set(goodShares.map(({ serverId }) => serverId)).size,
    happiness: serversOfHappiness(holders),
    healthy: capability !== undefined && defect === undefined && holders.size >= capability.total,
    recoverable: capability !== undefined && defect === undefined && readable.size >= capability.required,
  };
}

/** The results for a file that is whole in its capability. */
export function literalResults(): CheckResults {
  return {
    storageIndex: new Uint8Array(0),
    capability: undefined,
    authenticated: true,
    proven: true,
    wrongCapability: false,
    verified: true,
    needed: 0,
    expected: 0,
    goodShares: [],
    leavingShares: [],
    corruptShares: [],
    serversResponding: [],
    serversFailed: [],
    goodShareCount: 0,
    goodShareHosts: 0,
    happiness: 0,
    healthy: true,
    recoverable: true,
  };
}

function inOrder<Share extends ShareLocation>(shares: readonly Share[]): Share[] {
  return [...shares].sort((a, b) => a.shareNumber - b.shareNumber);
}
