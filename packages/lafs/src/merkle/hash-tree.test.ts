import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readFixture, stream, toHex } from '../testing/fixtures.js';
import { HashTree } from './hash-tree.js';
import { leafNode, treeNodeCount } from './tree-shape.js';

interface RecordedTree {
  readonly leafCount: number;
  readonly nodeCount: number;
  readonly root: string;
  readonly sha256OfAllNodes: string;
  readonly proofs: number[][];
}

const { trees } = readFixture<{ trees: RecordedTree[] }>('merkle.json');

function leaves(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, leaf) => stream(`leaf ${leaf}`, 32));
}

describe('Merkle trees are those of the peer', () => {
  test.each(trees)('$leafCount leaves', (recorded) => {
    const { leafCount } = recorded;
    const tree = HashTree.of(leaves(leafCount));
    expect(tree.nodeCount).toBe(recorded.nodeCount);
    expect(treeNodeCount(leafCount)).toBe(recorded.nodeCount);
    expect(toHex(tree.root)).toBe(recorded.root);
    const all = createHash('sha256').update(tree.bytes).digest('hex');
    expect(all).toBe(recorded.sha256OfAllNodes);
    for (let leaf = 0; leaf < leafCount; leaf++) {
      const proof = tree.proof(leaf, { includeLeaf: true });
      expect(proof.map(([node]) => node).sort((a, b) => a - b)).toEqual(recorded.proofs[leaf]);
      expect(proof.at(-1)).toEqual([leafNode(leafCount, leaf), tree.leaf(leaf)]);
      for (const [node, hash] of proof) expect(hash).toEqual(tree.node(node));
    }
  });
});

test('a tree of one leaf is that leaf, and needs no proof', () => {
  const [leaf] = leaves(1);
  const tree = HashTree.of([leaf!]);
  expect(toHex(tree.bytes)).toBe(toHex(leaf!));
  expect(tree.proof(0)).toEqual([]);
});

test('a proof without the leaf leaves it out', () => {
  const tree = HashTree.of(leaves(5));
  const own = leafNode(5, 3);
  expect(tree.leaf(3)).toEqual(tree.node(own));
  expect(tree.proof(3).map(([node]) => node)).not.toContain(own);
  expect(tree.proof(3)).toHaveLength(tree.proof(3, { includeLeaf: true }).length - 1);
});

test('there is no tree without leaves, nor of leaves of another size', () => {
  expect(() => HashTree.of([])).toThrow(RangeError);
  expect(() => HashTree.of([new Uint8Array(31)])).toThrow(RangeError);
  expect(() => HashTree.of(leaves(3)).leaf(3)).toThrow(RangeError);
});
