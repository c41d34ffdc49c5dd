import { blockHasher } from '../hashing/immutable-hashes.js';
import { hashSize } from '../hashing/sha256.js';
import { innerNodeHash } from '../merkle/node-hash.js';
import { treeNodeCount } from '../merkle/tree-shape.js';
import { BadHashError, MissingHashError, VerifyingHashTree } from '../merkle/verifying-hash-tree.js';
import type { ByteRange } from '../storage-protocol/ranges.js';
import { blockSizeOf, type EncodingGeometry } from './encoding-geometry.js';
import { parseUriExtension } from './parse-uri-extension.js';
import { longestShareHeader, shareForms } from './share-form.js';
import { parseShareHeader, type ShareHeader } from './share-header.js';
import type { ShareSection } from './share-layout.js';
import { ShareLayoutError } from './share-layout-error.js';
import { parseShareHashChain, parseUriExtensionSection } from './share-sections.js';
import type { UriExtension } from './uri-extension.js';
import { UriExtensionError } from './uri-extension-error.js';
import { uriExtensionGeometry } from './uri-extension-geometry.js';

/** What a share shows to whoever has no capability: whether all in it agrees with all else. */
export type ShareCheck =
  | { readonly verdict: 'sound' }
  /** It is no share of a CHK file, so nothing can be said of it. */
  | { readonly verdict: 'opaque' }
  /** No client could read it. `problem` is one line. */
  | { readonly verdict: 'damaged'; readonly problem: string };

/** A share to be checked. */
export interface ShareToCheck {
  readonly shareNumber: number;
  /** Bytes of it. */
  readonly size: number;
  /** Gives the bytes of a range within it, `pieceSize` of them at most at a time. */
  read(range: ByteRange): Promise<Uint8Array>;
}

/** No block of a file is larger (specifications/URI-extension.rst lists eleven short fields); more is damage. */
const longestUriExtension = 64 * 1024;
const longestChain = 64 * 1024;

/** Something in a share disagrees with something else in it. */
class Disagreement extends Error {}

/**
 * Checks a share of an immutable file against itself: that its header, its URI extension block and its geometry agree,
 * that every block has the hash that stands in the block hash tree, that both hash trees are whole, and that the share
 * hash chain leads from this share to the root in the block. Whoever changes all of these together is not found out, a
 * failing disk is. Memory does not grow with the share.
 *
 * @param pieceSize most bytes asked for at a time
 * @throws what `read` rejects with
 */
export async function checkShare(share: ShareToCheck, pieceSize = 64 * 1024): Promise<ShareCheck> {
  try {
    const start = await share.read({ begin: 0, end: Math.min(longestShareHeader, share.size) });
    const header = headerOf(start);
    if (!header) return { verdict: 'opaque' };
    const extension = await readUriExtension(share, header);
    const geometry = uriExtensionGeometry(extension, extension);
    checkForm(header, geometry, share.size);
    const reader = new PieceReader(share, Math.max(hashSize, pieceSize - (pieceSize % hashSize)));
    await checkBlocks(reader, header, geometry);
    const blockRoot = await checkTree(reader, header.sections.blockHashTree, 'block');
    const ciphertextRoot = await checkTree(reader, header.sections.ciphertextHashTree, 'ciphertext');
    same(
      ciphertextRoot,
      extension.ciphertextRootHash,
      'the ciphertext hash tree has another root than the file',
    );
    await checkChain(share, header, extension, blockRoot);
    return { verdict: 'sound' };
  } catch (error) {
    const typed =
      error instanceof Disagreement ||
      error instanceof ShareLayoutError ||
      error instanceof UriExtensionError;
    if (!typed) throw error;
    return { verdict: 'damaged', problem: (error as Error).message };
  }
}

function headerOf(start: Uint8Array): ShareHeader | undefined {
  const version = start.length < 4 ? 0 : new DataView(start.buffer, start.byteOffset).getUint32(0);
  return version === 1 || version === 2 ? parseShareHeader(start) : undefined;
}

async function readUriExtension(
  share: ShareToCheck,
  { version, uriExtension }: ShareHeader,
): Promise<UriExtension> {
  const { offset } = uriExtension;
  if (offset > share.size) throw new Disagreement('it ends before its URI extension block');
  const end = Math.min(share.size, offset + shareForms[version].numberSize + longestUriExtension);
  return parseUriExtension(parseUriExtensionSection(version, await share.read({ begin: offset, end })));
}

function checkForm({ blockSize, sections }: ShareHeader, geometry: EncodingGeometry, size: number): void {
  const treeSize = treeNodeCount(geometry.segmentCount) * hashSize;
  const agrees =
    blockSize === geometry.blockSize &&
    sections.data.size >= geometry.shareDataSize &&
    sections.blockHashTree.size === treeSize &&
    sections.ciphertextHashTree.size === treeSize &&
    sections.shareHashChain.offset + sections.shareHashChain.size <= size;
  if (!agrees) throw new Disagreement('its header disagrees with its URI extension block');
}

/** Every block against its leaf. */
async function checkBlocks(
  reader: PieceReader,
  { sections }: ShareHeader,
  geometry: EncodingGeometry,
): Promise<void> {
  const { segmentCount } = geometry;
  const tree = sections.blockHashTree;
  const leavesAt = tree.offset + tree.size - ((tree.size / hashSize + 1) / 2) * hashSize;
  const leaves = reader.from(leavesAt);
  const data = reader.from(sections.data.offset);
  for (let segment = 0; segment < segmentCount; segment++) {
    const hasher = blockHasher();
    let left = blockSizeOf(geometry, segment);
    while (left > 0) {
      const piece = await data.next(left);
      hasher.update(piece);
      left -= piece.length;
    }
    same(hasher.digest(), await leaves.hash(), `block ${segment} has another hash than its leaf`);
  }
}

/** Every inner node against its two children, level by level; gives the root. */
async function checkTree(reader: PieceReader, section: ShareSection, name: string): Promise<Uint8Array> {
  const nodeCount = section.size / hashSize;
  const parents = reader.from(section.offset);
  const children = reader.from(section.offset + hashSize);
  let root: Uint8Array | undefined;
  for (let node = 0; 2 * node + 2 < nodeCount; node++) {
    const parent = await parents.hash();
    root ??= parent;
    const left = await children.hash();
    same(
      innerNodeHash(left, await children.hash()),
      parent,
      `node ${node} of the ${name} hash tree is wrong`,
    );
  }
  return root ?? (await parents.hash());
}

async function checkChain(
  share: ShareToCheck,
  { sections }: ShareHeader,
  { shareRootHash, total }: UriExtension,
  blockRoot: Uint8Array,
): Promise<void> {
  const { offset, size } = sections.shareHashChain;
  if (size > longestChain) throw new Disagreement('its share hash chain is too long');
  if (share.shareNumber >= total) throw new Disagreement(`the file has no share ${share.shareNumber}`);
  const chain = parseShareHashChain(await share.read({ begin: offset, end: offset + size }));
  const tree = new VerifyingHashTree(total, shareRootHash);
  try {
    tree.add({ nodes: chain, leaves: [[share.shareNumber, blockRoot]] });
  } catch (error) {
    const wrong =
      error instanceof BadHashError || error instanceof MissingHashError || error instanceof RangeError;
    if (!wrong) throw error;
    throw new Disagreement('its share hash chain does not lead from its blocks to the file');
  }
}

function same(found: Uint8Array, expected: Uint8Array, otherwise: string): void {
  if (Buffer.compare(found, expected) !== 0) throw new Disagreement(otherwise);
}

/** Reads a share in pieces of one size, for several who each go through a part of it in order. */
class PieceReader {
  constructor(
    readonly share: ShareToCheck,
    readonly pieceSize: number,
  ) {}

  from(begin: number): Cursor {
    return new Cursor(this, begin);
  }
}

class Cursor {
  readonly #reader: PieceReader;
  #piece: Uint8Array = new Uint8Array();
  #at: number;

  constructor(reader: PieceReader, begin: number) {
    this.#reader = reader;
    this.#at = begin;
  }

  /** The next bytes: at least one, at most `most`. */
  async next(most: number): Promise<Uint8Array> {
    if (this.#piece.length === 0) {
      const { share, pieceSize } = this.#reader;
      const end = Math.min(this.#at + pieceSize, share.size);
      if (end <= this.#at) throw new Disagreement('it ends too early');
      this.#piece = await share.read({ begin: this.#at, end });
      this.#at = end;
    }
    const bytes = this.#piece.subarray(0, most);
    this.#piece = this.#piece.subarray(bytes.length);
    return bytes;
  }

  /** The next 32 bytes. */
  async hash(): Promise<Uint8Array> {
    const bytes = await this.next(hashSize);
    if (bytes.length < hashSize) throw new Disagreement('it ends too early');
    return bytes;
  }
}
