import { hashSize } from '../hashing/sha256.js';
import { emptyLeafHash, innerNodeHash } from './node-hash.js';
import { leafNode, paddedLeafCount, proofNodes } from './tree-shape.js';

/**
 * A whole Merkle tree (specifications/file-encoding.rst), built from its leaves. Its hashes lie side by side: 32 bytes
 * each, where an object for each would be fifteen times as much.
 */
export class HashTree {
  readonly leafCount: number;
  /** Every node, 32 bytes each: root first, then level by level, leaves and padding last. As a share holds them. */
  readonly bytes: Uint8Array;

  /**
   * @param leaves a hash of 32 bytes for each block, segment or share, one after the other; at least one
   * @throws RangeError without leaves, or where they are not whole hashes
   */
  constructor(leaves: Uint8Array) {
    if (leaves.length % hashSize !== 0) throw new RangeError(`a leaf of a hash tree has ${hashSize} bytes`);
    this.leafCount = leaves.length / hashSize;
    this.bytes = merkleTree(leaves, this.leafCount);
  }

  /** The tree over leaves that are hashes of their own. */
  static of(leaves: readonly Uint8Array[]): HashTree {
    return new HashTree(Buffer.concat(leaves));
  }

  /** Nodes of the tree, padding included. */
  get nodeCount(): number {
    return this.bytes.length / hashSize;
  }

  get root(): Uint8Array {
    return this.node(0);
  }

  /** A view of the hash of one node. */
  node(node: number): Uint8Array {
    return nodeOf(this.bytes, node);
  }

  /** A view of the hash of one leaf. */
  leaf(leaf: number): Uint8Array {
    return this.node(leafNode(this.leafCount, leaf));
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
    return nodes.map((node) => [node, this.node(node)]);
  }
}

/**
 * All nodes of the Merkle tree over some leaves: root first, then level by level. The places after the last
 * leaf, up to the next power of two, hold the empty-leaf hash of their own number.
 */
function merkleTree(leaves: Uint8Array, leafCount: number): Uint8Array {
  const width = paddedLeafCount(leafCount);
  const nodes = Buffer.alloc((2 * width - 1) * hashSize);
  nodes.set(leaves, (width - 1) * hashSize);
  for (let leaf = leafCount; leaf < width; leaf++) {
    nodes.set(emptyLeafHash(leaf), (width - 1 + leaf) * hashSize);
  }
  for (let node = width - 2; node >= 0; node--) {
    nodes.set(innerNodeHash(nodeOf(nodes, 2 * node + 1), nodeOf(nodes, 2 * node + 2)), node * hashSize);
  }
  return nodes;
}

function nodeOf(nodes: Uint8Array, node: number): Uint8Array {
  return nodes.subarray(node * hashSize, (node + 1) * hashSize);
}
