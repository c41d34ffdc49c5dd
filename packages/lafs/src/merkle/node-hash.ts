import { sha256d } from '../hashing/sha256.js';
import { taggedHashFunction } from '../hashing/tagged-hash.js';

const nodePrefix = '25:Merkle tree internal node,32:';
const leftAt = nodePrefix.length;
const rightAt = leftAt + 32 + ',32:'.length;

// A tree of a big file has thousands of nodes of 64 bytes each: one buffer with the fixed parts in place
// makes a node two calls and two small copies.
const node = Buffer.allocUnsafeSlow(rightAt + 33);
node.write(nodePrefix, 0, 'latin1');
node.write(',32:', leftAt + 32, 'latin1');
node.write(',', rightAt + 32, 'latin1');

/** The hash of an inner node: the tagged pair hash `Merkle tree internal node` of its two children. */
export function innerNodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== 32 || right.length !== 32) throw new RangeError('a node of a hash tree has 32 bytes');
  node.set(left, leftAt);
  node.set(right, rightAt);
  return sha256d(node);
}

const emptyLeaf = taggedHashFunction('Merkle tree empty leaf');

/** The hash that fills place `leaf` (counted from 0) after the last real leaf: its number in decimal, tagged. */
export function emptyLeafHash(leaf: number): Uint8Array {
  return emptyLeaf(Buffer.from(String(leaf), 'latin1'));
}
