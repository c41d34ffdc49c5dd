import { hashSize } from '../hashing/sha256.js';
import { proofNodes, treeNodeCount } from '../merkle/tree-shape.js';
import type { EncodingGeometry } from './encoding-geometry.js';
import { type ShareForm, type ShareVersion, shareForms } from './share-form.js';
import { shareChainEntrySize } from './share-sections.js';

/** A part of a share: its first byte, counted from the share's start, and its bytes. */
export interface ShareSection {
  readonly offset: number;
  readonly size: number;
}

/** The parts of a share in the order in which they stand there, the header before them. */
export interface ShareSections {
  /** The blocks, one for each segment. */
  readonly data: ShareSection;
  /** Unused: as long as the ciphertext hash tree and filled with zeros. */
  readonly plaintextHashTree: ShareSection;
  /** All nodes of the tree over the ciphertext's segments, root first. */
  readonly ciphertextHashTree: ShareSection;
  /** All nodes of the tree over this share's blocks, root first. */
  readonly blockHashTree: ShareSection;
  /** What proves this share's block hash root to the share root hash, its own leaf included. */
  readonly shareHashChain: ShareSection;
  /** The URI extension block after its length (4 bytes in version 1, 8 in version 2). */
  readonly uriExtension: ShareSection;
}

/** Where everything stands in a share of an immutable file. The same for every share of the file. */
export interface ImmutableShareLayout {
  readonly version: ShareVersion;
  /** The first bytes of the share: 36 in version 1, 68 in version 2. */
  readonly header: Uint8Array;
  readonly sections: ShareSections;
  /** Bytes of the whole share. */
  readonly size: number;
}

/** A share whose numbers do not fit the version asked for. */
export class ShareTooLargeError extends Error {
  override readonly name = 'ShareTooLargeError';
  readonly code = 'share-too-large';

  constructor(readonly version: ShareVersion) {
    super(`share layout: an offset or a size does not fit version ${version}`);
  }
}

/**
 * The layout of a file's shares. The header is
 *
 *     version    4 bytes
 *     block size, share data size                      4 bytes each in version 1, 8 in version 2
 *     offsets of data, plaintext hash tree, ciphertext hash tree, block hash tree, share hash chain,
 *     URI extension block                              4 bytes each in version 1, 8 in version 2
 *
 * all big-endian. Without `version`, it is 1 where everything fits into 32 bits, as the peer chooses.
 * No document describes this; the peer's shares do.
 *
 * @param uriExtensionLength bytes of the URI extension block, without the length before it
 * @throws {@link ShareTooLargeError}
 */
export function immutableShareLayout(parameters: {
  readonly geometry: EncodingGeometry;
  readonly uriExtensionLength: number;
  readonly version?: ShareVersion;
}): ImmutableShareLayout {
  const { geometry, uriExtensionLength, version } = parameters;
  if (version !== undefined) return layoutOf(geometry, uriExtensionLength, version);
  const fits = fitsForm(sectionsOf(geometry, uriExtensionLength, shareForms[1]), geometry, shareForms[1]);
  return layoutOf(geometry, uriExtensionLength, fits ? 1 : 2);
}

function layoutOf(
  geometry: EncodingGeometry,
  uriExtensionLength: number,
  version: ShareVersion,
): ImmutableShareLayout {
  const form = shareForms[version];
  const sections = sectionsOf(geometry, uriExtensionLength, form);
  if (!fitsForm(sections, geometry, form)) throw new ShareTooLargeError(version);
  return {
    version,
    header: encodeHeader(sections, geometry, form),
    sections,
    size: sections.uriExtension.offset + sections.uriExtension.size,
  };
}

function sectionsOf(geometry: EncodingGeometry, uriExtensionLength: number, form: ShareForm): ShareSections {
  let offset = form.headerSize;
  const next = (size: number): ShareSection => {
    const section = { offset, size };
    offset += size;
    return section;
  };
  const treeSize = treeNodeCount(geometry.segmentCount) * hashSize;
  const chainLength = proofNodes(geometry.total, 0).length + 1;
  return {
    data: next(geometry.shareDataSize),
    plaintextHashTree: next(treeSize),
    ciphertextHashTree: next(treeSize),
    blockHashTree: next(treeSize),
    shareHashChain: next(chainLength * shareChainEntrySize),
    uriExtension: next(form.numberSize + uriExtensionLength),
  };
}

function fitsForm(sections: ShareSections, geometry: EncodingGeometry, form: ShareForm): boolean {
  const largest = [geometry.blockSize, geometry.shareDataSize, sections.uriExtension.offset];
  return largest.every((value) => value <= form.largestNumber);
}

function encodeHeader(sections: ShareSections, geometry: EncodingGeometry, form: ShareForm): Uint8Array {
  const header = new Uint8Array(form.headerSize);
  const view = new DataView(header.buffer);
  view.setUint32(0, form.version);
  const offsets = Object.values<ShareSection>({ ...sections }).map(({ offset }) => offset);
  [geometry.blockSize, geometry.shareDataSize, ...offsets].forEach((value, index) => {
    form.write(view, 4 + index * form.numberSize, value);
  });
  return header;
}
