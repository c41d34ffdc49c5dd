import { createHash } from 'node:crypto';
import { BadHashError, HashTree } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { firstNodes, LeafHashes } from './leaf-hashes.js';

const leaf = (index: number) => createHash('sha256').update(`leaf ${index}`).digest();

function treeOf(leafCount: number) {
  const tree = HashTree.of(Array.from({ length: leafCount }, (_, index) => leaf(index)));
  const nodes = ({ first, count }: { first: number; count: number }) =>
    tree.bytes.subarray(32 * first, 32 * (first + count));
  const hashes = new LeafHashes(leafCount, tree.root);
  hashes.begin(nodes(firstNodes(tree.nodeCount)));
  return { hashes, nodes, nodeCount: tree.nodeCount };
}

describe('the leaves of a hash tree in a share', () => {
  it.each([1, 2, 3, 1000, 1024])('are all read at once where there are %i', (count) => {
    const { hashes, nodeCount } = treeOf(count);
    expect(firstNodes(nodeCount).count).toBe(nodeCount);
    for (const index of [0, count >> 1, count - 1]) expect(hashes.leaf(index)).toEqual(leaf(index));
  });

  it.each([1025, 5000, 40_000])('are read by groups where there are %i', (count) => {
    const { hashes, nodes, nodeCount } = treeOf(count);
    expect(firstNodes(nodeCount).count).toBeLessThan(nodeCount / 500);
    for (const index of [0, 511, 512, count - 1]) {
      const range = hashes.groupOf(index);
      hashes.addGroup(range.group, nodes(range));
      expect(Buffer.from(hashes.leaf(index) ?? []).equals(leaf(index))).toBe(true);
    }
  });

  it('are not believed where one of a group is wrong, or where a group is cut off', () => {
    const { hashes, nodes } = treeOf(3000);
    const range = hashes.groupOf(700);
    const wrong = Uint8Array.from(nodes(range));
    wrong[5000] = (wrong[5000] ?? 0) ^ 1;
    expect(() => hashes.addGroup(range.group, wrong)).toThrow(BadHashError);
    expect(() => hashes.addGroup(range.group, nodes(range).subarray(32))).toThrow(BadHashError);
    expect(hashes.leaf(700)).toBeUndefined();
  });

  it('of groups read long ago are forgotten, those of the last three never', () => {
    const { hashes, nodes } = treeOf(40_000);
    for (let index = 0; index < 40_000; index += 512) {
      const range = hashes.groupOf(index);
      hashes.addGroup(range.group, nodes(range));
      for (const back of [0, 512, 1024]) {
        if (index >= back) expect(hashes.leaf(index - back)).toBeDefined();
      }
    }
    expect(hashes.leaf(0)).toBeUndefined();
    const again = hashes.groupOf(0);
    hashes.addGroup(again.group, nodes(again));
    expect(Buffer.from(hashes.leaf(0) ?? []).equals(leaf(0))).toBe(true);
  });
});
