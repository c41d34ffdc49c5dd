import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stream } from '../testing/fixtures.js';
import { HashTree } from './hash-tree.js';
import { leafNode } from './tree-shape.js';
import { BadHashError, MissingHashError, VerifyingHashTree } from './verifying-hash-tree.js';

function wholeTree(leafCount: number): HashTree {
  return HashTree.of(Array.from({ length: leafCount }, (_, leaf) => stream(`leaf ${leaf}`, 32)));
}

function flipped(hash: Uint8Array): Uint8Array {
  const other = Uint8Array.from(hash);
  other[0] = other[0]! ^ 1;
  return other;
}

const treeAndLeaf = fc
  .integer({ min: 1, max: 40 })
  .chain((count) => fc.tuple(fc.constant(count), fc.nat({ max: count - 1 })));

describe('a verifying hash tree', () => {
  test('proves any leaf with exactly the nodes it asks for', () => {
    fc.assert(
      fc.property(treeAndLeaf, ([count, leaf]) => {
        const whole = wholeTree(count);
        const tree = new VerifyingHashTree(count, whole.root);
        const needed = tree.neededNodes(leaf);
        tree.add({
          nodes: needed.map((node) => [node, whole.node(node)]),
          leaves: [[leaf, whole.leaf(leaf)]],
        });
        expect(tree.leaf(leaf)).toEqual(whole.leaf(leaf));
        expect(tree.neededNodes(leaf)).toEqual([]);
      }),
    );
  });

  test('proves all leaves one after the other, in any order, asking for no node twice', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.infiniteStream(fc.nat()), (count, random) => {
        const whole = wholeTree(count);
        const tree = new VerifyingHashTree(count, whole.root);
        const order = Array.from({ length: count }, (_, leaf) => leaf);
        order.sort(() => (random.next().value! % 2 === 0 ? 1 : -1));
        const asked = new Set<number>();
        for (const leaf of order) {
          const needed = tree.neededNodes(leaf, { includeLeaf: true });
          for (const node of needed) {
            expect(asked.has(node)).toBe(false);
            asked.add(node);
          }
          tree.add({ nodes: needed.map((node) => [node, whole.node(node)]) });
          expect(tree.leaf(leaf)).toEqual(whole.leaf(leaf));
        }
      }),
    );
  });

  test('refuses any one wrong hash and keeps nothing of what came with it', () => {
    fc.assert(
      fc.property(treeAndLeaf, fc.nat(), ([count, leaf], choice) => {
        const whole = wholeTree(count);
        const tree = new VerifyingHashTree(count, whole.root);
        const nodes = whole.proof(leaf, { includeLeaf: true });
        const wrong = choice % nodes.length;
        nodes[wrong] = [nodes[wrong]![0], flipped(nodes[wrong]![1])];
        expect(() => tree.add({ nodes })).toThrow(BadHashError);
        for (let node = 1; node < whole.nodeCount; node++) expect(tree.node(node)).toBeUndefined();
        tree.add({ nodes: whole.proof(leaf), leaves: [[leaf, whole.leaf(leaf)]] });
        expect(tree.leaf(leaf)).toEqual(whole.leaf(leaf));
      }),
    );
  });

  test('takes the whole tree at once', () => {
    const whole = wholeTree(11);
    const tree = new VerifyingHashTree(11, whole.root);
    tree.add({
      nodes: Array.from({ length: whole.nodeCount }, (_, node) => [node, whole.node(node)] as const),
    });
    expect(tree.leaf(10)).toEqual(whole.leaf(10));
    tree.add({ leaves: [[10, whole.leaf(10)]] });
    expect(() => tree.add({ leaves: [[10, flipped(whole.leaf(10))]] })).toThrow(BadHashError);
  });

  test('asks for nothing above a node that is proved already', () => {
    const whole = wholeTree(8);
    const tree = new VerifyingHashTree(8, whole.root);
    tree.add({ nodes: [1, 2].map((node) => [node, whole.node(node)]) });
    expect(tree.neededNodes(0)).toEqual([4, 8]);
    expect(tree.neededNodes(0, { includeLeaf: true })).toEqual([4, 7, 8]);
  });

  test('does not take a leaf on trust', () => {
    const whole = wholeTree(4);
    const tree = new VerifyingHashTree(4, whole.root);
    const add = () => tree.add({ leaves: [[2, whole.leaf(2)]] });
    expect(add).toThrow(MissingHashError);
    expect(add).toThrow(expect.objectContaining({ code: 'missing-hash', node: leafNode(4, 3) }));
    expect(tree.leaf(2)).toBeUndefined();
  });

  test('names the place where two hashes disagree', () => {
    const whole = wholeTree(2);
    const tree = new VerifyingHashTree(2, whole.root);
    expect(() => tree.add({ nodes: [[0, flipped(whole.root)]] })).toThrow(
      expect.objectContaining({ code: 'bad-hash', node: 0 }),
    );
    const twice: [number, Uint8Array][] = [
      [1, whole.node(1)],
      [1, flipped(whole.node(1))],
    ];
    expect(() => tree.add({ nodes: twice })).toThrow(expect.objectContaining({ node: 1 }));
    expect(() => tree.add({ nodes: [[1, new Uint8Array(31)]] })).toThrow(BadHashError);
  });

  test('has no nodes and leaves beyond its size', () => {
    const tree = new VerifyingHashTree(3, new Uint8Array(32));
    expect(() => tree.add({ nodes: [[7, new Uint8Array(32)]] })).toThrow(RangeError);
    expect(() => tree.add({ leaves: [[3, new Uint8Array(32)]] })).toThrow(RangeError);
    expect(() => tree.neededNodes(-1)).toThrow(RangeError);
    expect(() => new VerifyingHashTree(3, new Uint8Array(20))).toThrow(RangeError);
  });
});
