import { hashSize } from '../hashing/tagged-hash.js';
import { emptyLeafHash, innerNodeHash } from './node-hash.js';
import { leafNode, paddedLeafCount, proofNodes } from './tree-shape.js';

/** A whole Merkle tree (specifications/file-encoding.rst), built from its leaves. */
export class HashTree {
  readonly leafCount: number;
  /** Every node, 32 bytes each: root first, then level by level, leaves and padding last. */
  readonly nodes: readonly Uint8Array[];

  /** @param leaves one hash of 32 bytes for each block, segment or share; at least one */
  constructor(leaves: readonly Uint8Array[]) {
    this.leafCount = leaves.length;
    this.nodes = merkleTree(leaves);
  }

  get root(): Uint8Array {
    return this.nodes[0]!;
  }

  /** The hash of one leaf. */
  leaf(leaf: number): Uint8Array {
    return this.nodes[leafNode(this.leafCount, leaf)]!;
  }

  /**
   * What proves a leaf to whoever holds the root, as [node number, hash]: the siblings on the way up from the
   * leaf.
   *
   * @param includeLeaf whether the leaf itself follows, as in a share's hash chain
   */
  proof(leaf: number, { includeLeaf = false } = {}): [number, Uint8Array][] {
    const nodes = proofNodes(this.leafCount, leaf);
    if (includeLeaf) nodes.push(leafNode(this.leafCount, leaf));
    return nodes.map((node) => [node, this.nodes[node]!]);
  }
}

/**
 * All nodes of the Merkle tree over some leaves: root first, then level by level. The places after the last
 * leaf, up to the next power of two, hold the empty-leaf hash of their own number.
 *
 * @param leaves hashes of 32 bytes, at least one
 * @throws RangeError without leaves, or for a leaf of another length
 */
export function merkleTree(leaves: readonly Uint8Array[]): Uint8Array[] {
  const width = paddedLeafCount(leaves.length);
  const nodes = new Array<Uint8Array>(2 * width - 1);
  for (let leaf = 0; leaf < width; leaf++) {
    const given = leaves[leaf];
    if (given !== undefined && given.length !== hashSize) {
      throw new RangeError(`a leaf of a hash tree has ${hashSize} bytes, not ${given.length}`);
    }
    nodes[width - 1 + leaf] = given ?? emptyLeafHash(leaf);
  }
  for (let node = width - 2; node >= 0; node--) {
    nodes[node] = innerNodeHash(nodes[2 * node + 1]!, nodes[2 * node + 2]!);
  }
  return nodes;
}
