import { encodeShareHashChain, encodeUriExtensionSection, type ImmutableShareLayout } from '@holdfast/lafs';
import type { FileHashes } from './file-encoder.js';

/** What stands behind a share's blocks. */
export interface ShareTailParts {
  /** Every node of the two trees, as they stand in the share. */
  readonly ciphertextTree: Uint8Array;
  readonly blockTree: Uint8Array;
  /** The share's proof in the share hash tree, with its leaf. */
  readonly chain: Iterable<readonly [node: number, hash: Uint8Array]>;
  readonly uriExtension: Uint8Array;
}

/** Everything of a share that comes after its blocks, in order. */
export function shareTailOf(
  { sections, version }: ImmutableShareLayout,
  { ciphertextTree, blockTree, chain, uriExtension }: ShareTailParts,
): Uint8Array[] {
  return [
    new Uint8Array(sections.plaintextHashTree.size),
    ciphertextTree,
    blockTree,
    encodeShareHashChain(chain),
    encodeUriExtensionSection(version, uriExtension),
  ];
}

/** As `shareTailOf`, for a share of a file that has been encoded. */
export function shareTail(
  shareNumber: number,
  layout: ImmutableShareLayout,
  hashes: FileHashes,
): Uint8Array[] {
  const blockTree = hashes.blockTrees[shareNumber];
  if (!blockTree) throw new RangeError(`no share ${shareNumber}`);
  return shareTailOf(layout, {
    ciphertextTree: hashes.ciphertextTree.bytes,
    blockTree: blockTree.bytes,
    chain: hashes.shareTree.proof(shareNumber, { includeLeaf: true }),
    uriExtension: hashes.uriExtension,
  });
}
