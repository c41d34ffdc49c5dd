import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readFixture, stream, toHex } from '../testing/fixtures.js';
import { HashTree, merkleTree } from './hash-tree.js';
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
    const tree = new HashTree(leaves(leafCount));
    expect(tree.nodes).toHaveLength(recorded.nodeCount);
    expect(treeNodeCount(leafCount)).toBe(recorded.nodeCount);
    expect(toHex(tree.root)).toBe(recorded.root);
    const all = createHash('sha256').update(Buffer.concat(tree.nodes)).digest('hex');
    expect(all).toBe(recorded.sha256OfAllNodes);
    for (let leaf = 0; leaf < leafCount; leaf++) {
      const proof = tree.proof(leaf, { includeLeaf: true });
      expect(proof.map(([node]) => node).sort((a, b) => a - b)).toEqual(recorded.proofs[leaf]);
      expect(proof.at(-1)).toEqual([leafNode(leafCount, leaf), tree.leaf(leaf)]);
      for (const [node, hash] of proof) expect(hash).toBe(tree.nodes[node]);
    }
  });
});

test('a tree of one leaf is that leaf, and needs no proof', () => {
  const [leaf] = leaves(1);
  const tree = new HashTree([leaf!]);
  expect(tree.nodes).toEqual([leaf]);
  expect(tree.proof(0)).toEqual([]);
});

test('a proof without the leaf leaves it out', () => {
  const tree = new HashTree(leaves(5));
  const own = leafNode(5, 3);
  expect(tree.leaf(3)).toBe(tree.nodes[own]);
  expect(tree.proof(3).map(([node]) => node)).not.toContain(own);
  expect(tree.proof(3)).toHaveLength(tree.proof(3, { includeLeaf: true }).length - 1);
});

test('there is no tree without leaves, nor of leaves of another size', () => {
  expect(() => merkleTree([])).toThrow(RangeError);
  expect(() => merkleTree([new Uint8Array(31)])).toThrow(RangeError);
  expect(() => new HashTree(leaves(3)).leaf(3)).toThrow(RangeError);
});
