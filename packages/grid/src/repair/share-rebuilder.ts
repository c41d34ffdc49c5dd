import { HashTree } from '@holdfast/lafs';
import type { SegmentEncoding } from '../coding/segment-encoder.js';
import type { FileDescription } from '../download/file-description.js';
import { WrongFileError } from '../errors.js';
import { EncodedSegments, type SegmentSource, type SegmentToEncode } from '../upload/encoded-segments.js';
import type { BlockEncoder, FileHashes } from '../upload/file-encoder.js';

/**
 * Turns the ciphertext of a file into some of its shares. Nothing else of it is hashed: the roots of the other shares'
 * blocks are known from the shares that are read, and the tree over all roots shows whether those made are the file's. To
 * make every share, and to hash the ciphertext, took a fifth of the processor time of a large repair.
 */
export class ShareRebuilder implements BlockEncoder {
  readonly #description: FileDescription;
  readonly #ciphertextTree: Uint8Array;
  readonly #encoded: EncodedSegments;

  /**
   * @param encoding of `shares`
   * @param shares see `sharesToMake`
   * @param ciphertextTree the file's, every node of it
   */
  constructor(
    ciphertext: SegmentSource,
    description: FileDescription,
    encoding: SegmentEncoding,
    readonly shares: readonly number[],
    ciphertextTree: Uint8Array,
  ) {
    this.#description = description;
    this.#ciphertextTree = ciphertextTree;
    this.#encoded = new EncodedSegments(ciphertext, description.geometry, encoding, shares.length);
  }

  segments(buffer: (size: number) => Uint8Array): AsyncGenerator<SegmentToEncode> {
    return this.#encoded.segments(buffer);
  }

  /** @throws WrongFileError where what was made are not the file's shares */
  async finish(): Promise<FileHashes> {
    const { geometry, shareTree: known, hashes, uriExtension } = this.#description;
    const blockTrees = Array.from<HashTree | undefined>({ length: geometry.total });
    for (const [index, share] of this.shares.entries())
      blockTrees[share] = new HashTree(this.#encoded.leaves[index] as Uint8Array);
    const roots = Array.from({ length: geometry.total }, (_, share) => {
      const root = blockTrees[share]?.root ?? known.leaf(share);
      if (!root) throw new RangeError(`share ${share} is neither made nor known`);
      return root;
    });
    const shareTree = HashTree.of(roots);
    if (Buffer.compare(shareTree.root, hashes.shareRootHash) !== 0)
      throw new WrongFileError('the shares that can be made from these are not those of the file');
    return { uriExtension, ciphertextTree: this.#ciphertextTree, blockTrees, shareTree };
  }
}

/** Some shares of a file, and those without which they cannot be proved: whose roots no share that was read has told. */
export function sharesToMake(
  { geometry, shareTree }: Pick<FileDescription, 'geometry' | 'shareTree'>,
  wanted: { has(share: number): boolean },
): number[] {
  const all = Array.from({ length: geometry.total }, (_, share) => share);
  return all.filter((share) => wanted.has(share) || shareTree.leaf(share) === undefined);
}
