import { HashTree } from '@holdfast/lafs';
import type { SegmentEncoding } from '../coding/segment-encoder.js';
import type { FileDescription } from '../download/file-description.js';
import { WrongFileError } from '../errors.js';
import { EncodedSegments, type SegmentSource, type SegmentToEncode } from '../upload/encoded-segments.js';
import type { BlockEncoder, FileHashes } from '../upload/file-encoder.js';

/** What is said of shares from which others than those of the file can be made. */
export const otherShares = 'the shares that can be made from these are not those of the file';

/**
 * Turns the ciphertext of a file into some of its shares, and makes sure that they are the file's. The roots of the other
 * shares' blocks are known from those that are there, and the hashes of the ciphertext's segments from where these were
 * compared with them: to make all shares, and to hash the ciphertext again, took a fifth of the processor time of a large
 * repair.
 */
export class ShareRebuilder implements BlockEncoder {
  readonly #description: FileDescription;
  readonly #encoded: EncodedSegments;

  /**
   * @param ciphertext each segment was compared with its hash in `description` if that is there when it is encoded
   * @param encoding of `shares`
   * @param shares see `sharesToMake`
   */
  constructor(
    ciphertext: SegmentSource,
    description: FileDescription,
    encoding: SegmentEncoding,
    readonly shares: readonly number[],
  ) {
    this.#description = description;
    const { geometry, segmentHashes } = description;
    this.#encoded = new EncodedSegments(ciphertext, geometry, encoding, shares.length, (segment) =>
      segmentHashes.leaf(segment),
    );
  }

  segments(): AsyncGenerator<SegmentToEncode> {
    return this.#encoded.segments();
  }

  /** @throws WrongFileError where what was made are not the file's shares, or the ciphertext is not what it says */
  async finish(): Promise<FileHashes> {
    const { geometry, shareTree: known, hashes, uriExtension } = this.#description;
    const [ciphertextTree, ...made] = this.#encoded.leaves.map((leaves) => new HashTree(leaves)) as [
      HashTree,
      ...HashTree[],
    ];
    const blockTrees = Array.from<HashTree | undefined>({ length: geometry.total });
    for (const [index, share] of this.shares.entries()) blockTrees[share] = made[index];
    const roots = blockTrees.map((tree, share) => {
      const root = tree?.root ?? known.leaf(share);
      if (!root) throw new RangeError(`share ${share} is neither made nor known`);
      return root;
    });
    const shareTree = HashTree.of(roots);
    const isFile =
      Buffer.compare(ciphertextTree.root, hashes.ciphertextRootHash) === 0 &&
      Buffer.compare(shareTree.root, hashes.shareRootHash) === 0;
    if (!isFile) throw new WrongFileError(otherShares);
    return { uriExtension, ciphertextTree, blockTrees, shareTree };
  }
}

/** Some shares of a file, and those without which they cannot be proved: whose roots no share has told. */
export function sharesToMake(
  { geometry, shareTree }: Pick<FileDescription, 'geometry' | 'shareTree'>,
  wanted: { has(share: number): boolean },
): number[] {
  const all = Array.from({ length: geometry.total }, (_, share) => share);
  return all.filter((share) => wanted.has(share) || shareTree.leaf(share) === undefined);
}
