import {
  type ChkCapability,
  type EncodingGeometry,
  parseUriExtension,
  type UriExtensionHashes,
  uriExtensionGeometry,
  uriExtensionHash,
  VerifyingHashTree,
} from '@holdfast/lafs';
import { LeafHashes } from './leaf-hashes.js';

/** What the URI extension block says, once its hash is the one in the capability; and the trees that hang from it. */
export interface FileDescription {
  readonly geometry: EncodingGeometry;
  /** The block itself, as it stands in every share. */
  readonly uriExtension: Uint8Array;
  readonly hashes: UriExtensionHashes;
  /** The hash of each segment's ciphertext. Whichever share brings good ones first fills it. */
  readonly segmentHashes: LeafHashes;
  /** Leaves: the root of each share's block hash tree. */
  readonly shareTree: VerifyingHashTree;
}

/** A share does not lead to what the capability names. */
export class BadShareError extends Error {
  override readonly name = 'BadShareError';
  readonly code = 'bad-share';
}

/** What is said of a share whose URI extension block has another hash than the capability. */
export const otherUriExtension = 'its URI extension block is not the one that the capability names';

/**
 * Checks a URI extension block against the capability and reads it.
 *
 * @throws BadShareError where the hash is another; UriExtensionError where the block contradicts itself
 */
export function describeFile(block: Uint8Array, capability: ChkCapability): FileDescription {
  if (Buffer.compare(uriExtensionHash(block), capability.uriExtensionHash) !== 0) {
    throw new BadShareError(otherUriExtension);
  }
  const extension = parseUriExtension(block);
  const geometry = uriExtensionGeometry(extension, capability);
  return {
    geometry,
    // A copy: what was given may be part of something larger.
    uriExtension: Uint8Array.from(block),
    hashes: extension,
    segmentHashes: new LeafHashes(geometry.segmentCount, extension.ciphertextRootHash),
    shareTree: new VerifyingHashTree(geometry.total, extension.shareRootHash),
  };
}
