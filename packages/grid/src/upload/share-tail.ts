import { encodeShareHashChain, encodeUriExtensionSection, type ImmutableShareLayout } from '@holdfast/lafs';
import type { FileHashes } from './file-encoder.js';

/** Everything of a share that comes after its blocks, in order. */
export function shareTail(
  shareNumber: number,
  layout: ImmutableShareLayout,
  hashes: FileHashes,
): Uint8Array[] {
  const { sections, version } = layout;
  const blockTree = hashes.blockTrees[shareNumber];
  if (!blockTree) throw new RangeError(`no share ${shareNumber}`);
  return [
    new Uint8Array(sections.plaintextHashTree.size),
    hashes.ciphertextTree.bytes,
    blockTree.bytes,
    encodeShareHashChain(hashes.shareTree.proof(shareNumber, { includeLeaf: true })),
    encodeUriExtensionSection(version, hashes.uriExtension),
  ];
}
