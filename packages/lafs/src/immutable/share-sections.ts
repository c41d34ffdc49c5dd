import { hashSize } from '../hashing/sha256.js';
import { peerChainOrder } from './share-chain-order.js';
import { type ShareVersion, shareForms } from './share-form.js';
import { ShareLayoutError } from './share-layout-error.js';

/** One entry of a share hash chain: a node number (2 bytes, big-endian) and its hash. */
export const shareChainEntrySize = 2 + hashSize;

/**
 * Reads a hash tree section: [node number, hash] for every node.
 *
 * @throws ShareLayoutError if the section is not made of whole hashes
 */
export function parseHashTree(section: Uint8Array): [node: number, hash: Uint8Array][] {
  requireWhole(section, hashSize);
  return Array.from({ length: section.length / hashSize }, (_, node) => [
    node,
    section.subarray(node * hashSize, (node + 1) * hashSize),
  ]);
}

/**
 * A share hash chain as a share holds it, its entries in the order of {@link peerChainOrder}.
 *
 * @param chain the share's proof with its leaf, as {@link HashTree.proof} gives it
 */
export function encodeShareHashChain(chain: Iterable<readonly [node: number, hash: Uint8Array]>): Uint8Array {
  const hashes = new Map(chain);
  const section = new Uint8Array(hashes.size * shareChainEntrySize);
  const view = new DataView(section.buffer);
  peerChainOrder(hashes.keys()).forEach((node, index) => {
    view.setUint16(index * shareChainEntrySize, node);
    section.set(hashes.get(node)!, index * shareChainEntrySize + 2);
  });
  return section;
}

/**
 * Reads a share hash chain: [node number of the share hash tree, hash].
 *
 * @throws ShareLayoutError if the section is not made of whole entries
 */
export function parseShareHashChain(section: Uint8Array): [node: number, hash: Uint8Array][] {
  requireWhole(section, shareChainEntrySize);
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  return Array.from({ length: section.length / shareChainEntrySize }, (_, index) => {
    const at = index * shareChainEntrySize;
    return [view.getUint16(at), section.subarray(at + 2, at + shareChainEntrySize)];
  });
}

/** The last section of a share: the length of the URI extension block (4 or 8 bytes), then the block. */
export function encodeUriExtensionSection(version: ShareVersion, uriExtension: Uint8Array): Uint8Array {
  const { numberSize, write } = shareForms[version];
  const section = new Uint8Array(numberSize + uriExtension.length);
  write(new DataView(section.buffer), 0, uriExtension.length);
  section.set(uriExtension, numberSize);
  return section;
}

/**
 * Reads the last section of a share: the bytes of the URI extension block, still to be hashed and parsed.
 *
 * @param section the share from that section's start; bytes behind the block are passed over
 * @throws ShareLayoutError `truncated` if it ends before the block does
 */
export function parseUriExtensionSection(version: ShareVersion, section: Uint8Array): Uint8Array {
  const { numberSize, read } = shareForms[version];
  if (section.length < numberSize) throw truncatedBlock();
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  const length = read(view, 0);
  if (length > section.length - numberSize) throw truncatedBlock();
  return section.subarray(numberSize, numberSize + length);
}

function truncatedBlock(): ShareLayoutError {
  return new ShareLayoutError('truncated', 'the URI extension block ends too early');
}

function requireWhole(section: Uint8Array, unit: number): void {
  if (section.length % unit !== 0) {
    throw new ShareLayoutError('malformed', `expected whole entries of ${unit} bytes`);
  }
}
