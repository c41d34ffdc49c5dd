import { describe, expect, it } from 'vitest';
import { countFindings } from '../check/count-findings.js';
import { resultsAfter } from './results-after.js';

const capability = {
  kind: 'CHK-Verifier',
  storageIndex: new Uint8Array(16),
  uriExtensionHash: new Uint8Array(32),
  required: 1,
  total: 3,
  size: 100,
} as const;
const before = countFindings({
  storageIndex: capability.storageIndex,
  capability,
  authenticated: true,
  proven: true,
  wrongCapability: false,
  verified: true,
  goodShares: [{ shareNumber: 1, serverId: 's1' }],
  leavingShares: [],
  corruptShares: [],
  serversResponding: ['s1', 's2', 's3'],
  serversFailed: [],
});
const put = (shareNumber: number, serverId: string) => ({ shareNumber, serverId, copied: false });
const whole = { shares: [put(0, 's2'), put(2, 's3')], corrupt: [], reasons: [] };

describe('the results after a repair', () => {
  it('are what was found before it, and what was stored since', () => {
    const after = resultsAfter(before, whole, 100);
    expect(after).toMatchObject({
      goodShares: [
        { shareNumber: 0, serverId: 's2' },
        { shareNumber: 1, serverId: 's1' },
        { shareNumber: 2, serverId: 's3' },
      ],
      goodShareCount: 3,
      goodShareHosts: 3,
      happiness: 3,
      healthy: true,
      verified: false,
    });
  });

  it('are to be looked for where a share found no place, something turned out wrong, or a while has passed', () => {
    const wrong = { shareNumber: 1, serverId: 's1', reason: 'it is cut off' };
    expect(resultsAfter(before, { ...whole, shares: [put(0, 's2')] }, 100)).toBeUndefined();
    expect(resultsAfter(before, { ...whole, reasons: ['s4: no room'] }, 100)).toBeUndefined();
    expect(resultsAfter(before, { ...whole, corrupt: [wrong] }, 100)).toBeUndefined();
    expect(resultsAfter(before, whole, 60_000)).toBeUndefined();
  });
});
