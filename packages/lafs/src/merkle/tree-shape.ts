/**
 * Where nodes of a complete binary tree stand in an array: the root at 0, the children of node i at 2i + 1
 * and 2i + 2, so that all leaves stand at the end. A tree over n leaves is filled up to a power of two.
 */

/** Leaves of the tree after filling up: the smallest power of two not below `leafCount` (at least 1). */
export function paddedLeafCount(leafCount: number): number {
  if (!Number.isSafeInteger(leafCount) || leafCount < 1) {
    throw new RangeError('a hash tree needs at least one leaf');
  }
  let width = 1;
  while (width < leafCount) width *= 2;
  return width;
}

/** Nodes of a tree over `leafCount` leaves, root and padding included. */
export function treeNodeCount(leafCount: number): number {
  return 2 * paddedLeafCount(leafCount) - 1;
}

/** The node number of a leaf. */
export function leafNode(leafCount: number, leaf: number): number {
  if (!Number.isInteger(leaf) || leaf < 0 || leaf >= leafCount) {
    throw new RangeError(`a tree of ${leafCount} leaves has no leaf ${leaf}`);
  }
  return paddedLeafCount(leafCount) - 1 + leaf;
}

/** The node whose child this one is. The root has none. */
export function parentOf(node: number): number {
  return (node - 1) >> 1;
}

/** The other child of the same parent. The root has none. */
export function siblingOf(node: number): number {
  return node % 2 === 1 ? node + 1 : node - 1;
}

/**
 * The nodes that prove one leaf to whoever holds the root: at each level the sibling of the way up, nearest
 * to the leaf first. A tree of one leaf needs none.
 */
export function proofNodes(leafCount: number, leaf: number): number[] {
  const nodes: number[] = [];
  for (let node = leafNode(leafCount, leaf); node > 0; node = parentOf(node)) nodes.push(siblingOf(node));
  return nodes;
}
