import {
  BadHashError,
  HashTree,
  hashSize,
  paddedLeafCount,
  parseHashTree,
  treeNodeCount,
  VerifyingHashTree,
} from '@holdfast/lafs';

/** Leaves of a large tree that are read, checked and kept together: 16 KiB of hashes. */
const groupLength = 512;
/** A tree of more leaves is read by groups. */
const largestWhole = 1024;
/** Groups that are kept: what is read ahead may lie in two, and a slow share may be some behind. */
const keptGroups = 4;

/** Hashes of a tree that stand one after the other in a share: of the nodes from `first` on. */
export interface NodeRange {
  readonly first: number;
  readonly count: number;
}

/**
 * The leaves of a hash tree in a share, checked against its root. A small tree is taken whole. Of a large one its top
 * is taken first, down to the nodes that stand for groups of leaves, and each group when it is needed; groups read
 * long ago are forgotten, so that a file of any size takes about as much memory as one of a gigabyte.
 */
export class LeafHashes {
  readonly #groupCount: number;
  /** All of a small tree, else its top. */
  readonly #top: VerifyingHashTree;
  /** Leaves of a large tree by group. */
  readonly #groups = new Map<number, Uint8Array>();
  #begun = false;

  /** @param root the trusted root, 32 bytes */
  constructor(leafCount: number, root: Uint8Array) {
    const padded = paddedLeafCount(leafCount);
    this.#groupCount = padded > largestWhole ? padded / groupLength : 0;
    this.#top = new VerifyingHashTree(this.#groupCount || leafCount, root);
  }

  /** Whether the nodes that are read first are there. */
  get begun(): boolean {
    return this.#begun;
  }

  /**
   * Takes the nodes that are read first.
   *
   * @param hashes of the first nodes, as they stand in the share, as many as `firstNodes` says
   * @throws BadHashError, MissingHashError, ShareLayoutError
   */
  begin(hashes: Uint8Array): void {
    this.#top.add({ nodes: parseHashTree(hashes) });
    this.#begun = true;
  }

  /** A leaf's hash, where it has been read. */
  leaf(leaf: number): Uint8Array | undefined {
    if (this.#groupCount === 0) return this.#top.leaf(leaf);
    const at = (leaf % groupLength) * hashSize;
    return this.#groups.get(Math.floor(leaf / groupLength))?.subarray(at, at + hashSize);
  }

  /** Where the leaves stand that are read together with one: only of a large tree. */
  groupOf(leaf: number): NodeRange & { readonly group: number } {
    const group = Math.floor(leaf / groupLength);
    const firstLeaf = this.#groupCount * groupLength - 1;
    return { group, first: firstLeaf + group * groupLength, count: groupLength };
  }

  /**
   * Takes the leaves of a group.
   *
   * @throws BadHashError where they are not those of the tree
   */
  addGroup(group: number, hashes: Uint8Array): void {
    const known = this.#top.leaf(group);
    const isWhole = hashes.length === groupLength * hashSize;
    if (!known || !isWhole || Buffer.compare(new HashTree(hashes).root, known) !== 0) {
      throw new BadHashError(this.#groupCount - 1 + group);
    }
    // A copy: what was given may be part of something larger.
    this.#groups.set(group, Uint8Array.from(hashes));
    if (this.#groups.size <= keptGroups) return;
    this.#groups.delete(Math.min(...[...this.#groups.keys()].filter((kept) => kept !== group)));
  }
}

/**
 * The nodes that are read first of a tree of so many.
 *
 * @param nodeCount of the whole tree, as its size in a share says
 */
export function firstNodes(nodeCount: number): NodeRange {
  const padded = (nodeCount + 1) / 2;
  return { first: 0, count: padded > largestWhole ? Math.ceil(2 * (padded / groupLength)) - 1 : nodeCount };
}

/** Bytes of memory that the leaves of one tree take at most. */
export function leafHashesMemory(leafCount: number): number {
  const { count } = firstNodes(treeNodeCount(leafCount));
  return hashSize * (count + (leafCount > largestWhole ? keptGroups * groupLength : 0));
}
