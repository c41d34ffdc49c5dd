import { matchesLeaseSecret } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { leasesAfter } from './share-leases.js';

const nodeId = new Uint8Array(20).fill(1);
const other = new Uint8Array(20).fill(2);
const stored = (owner: number, node: Uint8Array) => ({
  owner,
  renewSecret: new Uint8Array(32).fill(owner),
  cancelSecret: new Uint8Array(32),
  expiresAt: 1,
  nodeId: node,
});
const lease = {
  owner: 5,
  renewSecret: new Uint8Array(32).fill(9),
  cancelSecret: new Uint8Array(32).fill(8),
  expiresAt: 1_000,
};

describe('the leases of a container', () => {
  it('get that of the account, the secrets as the version keeps them', () => {
    for (const version of [1, 2] as const) {
      const [first, ours, ...more] = leasesAfter([stored(4, nodeId)], lease, nodeId, version);
      expect(first).toEqual(stored(4, nodeId));
      expect(ours).toMatchObject({ owner: 5, expiresAt: 1_000, nodeId });
      expect(matchesLeaseSecret(ours?.renewSecret as Uint8Array, lease.renewSecret, version)).toBe(true);
      expect(more).toEqual([]);
    }
  });

  it('have one of each account, its newest, in its place', () => {
    const before = [stored(5, nodeId), stored(4, nodeId)];
    const after = leasesAfter(before, lease, nodeId, 1);
    expect(after.map(({ owner, expiresAt }) => [owner, expiresAt])).toEqual([
      [5, 1_000],
      [4, 1],
    ]);
  });

  it('that another server wrote are left alone: its owners are none of our accounts', () => {
    const after = leasesAfter([stored(5, other)], lease, nodeId, 2);
    expect(after.map(({ nodeId: node }) => node[0])).toEqual([2, 1]);
  });
});
