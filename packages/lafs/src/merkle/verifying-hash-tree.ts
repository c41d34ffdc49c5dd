import { hashSize } from '../hashing/sha256.js';
import { innerNodeHash } from './node-hash.js';
import { PackedHashes } from './packed-hashes.js';
import { leafNode, parentOf, proofNodes, siblingOf, treeNodeCount } from './tree-shape.js';

/** A hash that cannot belong to the tree whose root is known. `node` is its number. */
export class BadHashError extends Error {
  override readonly name = 'BadHashError';
  readonly code = 'bad-hash';

  constructor(readonly node: number) {
    super(`hash tree: node ${node} does not lead to the known root`);
  }
}

/** Hashes were given that nothing links to the root yet. `node` is one whose sibling is missing. */
export class MissingHashError extends Error {
  override readonly name = 'MissingHashError';
  readonly code = 'missing-hash';

  constructor(readonly node: number) {
    super(`hash tree: node ${node} is needed to check the hashes given`);
  }
}

/** Hashes to check: inner nodes by node number, leaves by leaf number, 32 bytes each. */
export interface HashesToCheck {
  readonly nodes?: Iterable<readonly [node: number, hash: Uint8Array]>;
  readonly leaves?: Iterable<readonly [leaf: number, hash: Uint8Array]>;
}

/**
 * A Merkle tree of which only the root is known at first. It takes nodes and leaves in any order and in any
 * number of steps, and keeps only what has been proved to lead to the root.
 */
export class VerifyingHashTree {
  // In pages, since a hostile file may claim any number of leaves: only what is proved takes memory.
  readonly #known = new PackedHashes();

  /**
   * @param leafCount leaves without padding
   * @param root the trusted root, 32 bytes
   */
  constructor(
    readonly leafCount: number,
    root: Uint8Array,
  ) {
    if (root.length !== hashSize) throw new RangeError(`a root has ${hashSize} bytes`);
    this.#known.set(0, root);
  }

  /** A node that has been proved, or undefined. */
  node(node: number): Uint8Array | undefined {
    return this.#known.get(node);
  }

  /** A leaf that has been proved, or undefined. */
  leaf(leaf: number): Uint8Array | undefined {
    return this.#known.get(leafNode(this.leafCount, leaf));
  }

  /**
   * The nodes still missing to prove a leaf whose hash one can compute, in rising order. Nodes above one that
   * is already proved are not needed.
   *
   * @param includeLeaf whether the leaf's own hash is asked for as well, where it is not yet proved
   */
  neededNodes(leaf: number, { includeLeaf = false } = {}): number[] {
    const own = leafNode(this.leafCount, leaf);
    if (this.#known.has(own)) return [];
    const needed = includeLeaf ? [own] : [];
    for (const sibling of proofNodes(this.leafCount, leaf)) {
      if (!this.#known.has(sibling)) needed.push(sibling);
      if (this.#known.has(parentOf(sibling))) break;
    }
    return needed.sort((a, b) => a - b);
  }

  /**
   * Checks hashes against the root and keeps them. It keeps all of them or, when it throws, none.
   *
   * @throws {@link BadHashError} for a hash that disagrees with one that is known or with another one given
   * @throws {@link MissingHashError} for a hash that cannot be checked without a sibling not yet known
   */
  add(given: HashesToCheck): void {
    const candidates = new Candidates(this.#known, treeNodeCount(this.leafCount));
    for (const [node, hash] of given.nodes ?? []) candidates.put(node, hash);
    for (const [leaf, hash] of given.leaves ?? []) candidates.put(leafNode(this.leafCount, leaf), hash);
    candidates.prove();
    candidates.keep();
  }
}

/** The hashes of one call to `add`, until they are proved. */
class Candidates {
  readonly #hashes = new Map<number, Uint8Array>();
  readonly #levels: number[][] = [];
  readonly #known: PackedHashes;
  readonly #nodeCount: number;

  constructor(known: PackedHashes, nodeCount: number) {
    this.#known = known;
    this.#nodeCount = nodeCount;
  }

  put(node: number, hash: Uint8Array): void {
    if (!Number.isInteger(node) || node < 0 || node >= this.#nodeCount) {
      throw new RangeError(`a tree of ${this.#nodeCount} nodes has no node ${node}`);
    }
    const other = this.#known.get(node) ?? this.#hashes.get(node);
    if (other !== undefined) {
      if (Buffer.compare(other, hash) !== 0) throw new BadHashError(node);
      return;
    }
    if (hash.length !== hashSize) throw new BadHashError(node);
    this.#hashes.set(node, hash);
    const level = 31 - Math.clz32(node + 1);
    const row = this.#levels[level] ?? [];
    this.#levels[level] = row;
    row.push(node);
  }

  /** From the lowest level up, joins every candidate with its sibling until it meets what is known. */
  prove(): void {
    for (let level = this.#levels.length - 1; level > 0; level--) {
      for (const node of this.#levels[level] ?? []) {
        const sibling = siblingOf(node);
        const candidate = this.#hashes.get(sibling);
        if (candidate !== undefined && sibling < node) continue; // a pair is joined once, from its left node
        const other = candidate ?? this.#known.get(sibling);
        if (other === undefined) throw new MissingHashError(sibling);
        const own = this.#hashes.get(node)!;
        this.put(parentOf(node), node < sibling ? innerNodeHash(own, other) : innerNodeHash(other, own));
      }
    }
  }

  keep(): void {
    for (const [node, hash] of this.#hashes) this.#known.set(node, hash);
  }
}
