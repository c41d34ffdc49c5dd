import { type EncodingGeometry, encodeUriExtension, HashTree, uriExtensionOf } from '@holdfast/lafs';
import type { SegmentEncoding } from '../coding/segment-encoder.js';
import { EncodedSegments, type SegmentSource, type SegmentToEncode } from './encoded-segments.js';

/** The hashes that stand in a file's shares, once every segment has been encoded. */
export interface FileHashes {
  readonly uriExtension: Uint8Array;
  readonly ciphertextTree: HashTree;
  /** By share number, of the shares that were made. */
  readonly blockTrees: readonly (HashTree | undefined)[];
  /** Over the roots of all block trees. */
  readonly shareTree: HashTree;
}

/** Makes blocks of shares, segment by segment. */
export interface BlockEncoder {
  /** The numbers of the shares that it makes, in order. */
  readonly shares: readonly number[];

  /** The segments in order, each to be encoded before the next but one is asked for. */
  segments(): AsyncGenerator<SegmentToEncode>;

  /** What goes behind the blocks. To be called after the last segment. */
  finish(): Promise<FileHashes>;
}

/** Turns a file, or its ciphertext, into all of its shares. */
export class FileEncoder implements BlockEncoder {
  readonly shares: readonly number[];
  readonly #geometry: EncodingGeometry;
  readonly #encoding: SegmentEncoding;
  readonly #encoded: EncodedSegments;

  /** @param encoding of all shares */
  constructor(source: SegmentSource, geometry: EncodingGeometry, encoding: SegmentEncoding) {
    this.shares = Array.from({ length: geometry.total }, (_, share) => share);
    this.#geometry = geometry;
    this.#encoding = encoding;
    this.#encoded = new EncodedSegments(source, geometry, encoding, geometry.total);
  }

  segments(): AsyncGenerator<SegmentToEncode> {
    return this.#encoded.segments();
  }

  async finish(): Promise<FileHashes> {
    const ciphertextHash = await this.#encoding.finish();
    const [ciphertextTree, ...blockTrees] = this.#encoded.leaves.map((leaves) => new HashTree(leaves)) as [
      HashTree,
      ...HashTree[],
    ];
    const shareTree = HashTree.of(blockTrees.map(({ root }) => root));
    const uriExtension = encodeUriExtension(
      uriExtensionOf(this.#geometry, {
        ciphertextHash,
        ciphertextRootHash: ciphertextTree.root,
        shareRootHash: shareTree.root,
      }),
    );
    return { uriExtension, ciphertextTree, blockTrees, shareTree };
  }
}
