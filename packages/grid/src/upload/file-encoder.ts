import type { ErasureCode } from '@holdfast/erasure';
import {
  blockHash,
  ciphertextHasher,
  ciphertextSegmentHash,
  createFileCipher,
  type EncodingGeometry,
  encodeUriExtension,
  HashTree,
  segmentDataSize,
  uriExtensionOf,
} from '@holdfast/lafs';
import type { SpooledFile } from './spool.js';

/** The hashes of a whole file, once every segment has been encoded. */
export interface FileHashes {
  readonly uriExtension: Uint8Array;
  readonly ciphertextTree: HashTree;
  /** By share number. */
  readonly blockTrees: readonly HashTree[];
  /** Over the roots of the block trees. */
  readonly shareTree: HashTree;
}

/**
 * Turns a file into blocks, segment by segment: encrypts, hashes, codes. Only hashes are kept, 32 bytes a block.
 */
export class FileEncoder {
  readonly #file: SpooledFile;
  readonly #geometry: EncodingGeometry;
  readonly #code: ErasureCode;
  readonly #cipher;
  readonly #ciphertextHash = ciphertextHasher();
  readonly #segmentHashes: Uint8Array[] = [];
  readonly #blockHashes: Uint8Array[][];

  /** @param key the file's read key, 16 bytes */
  constructor(file: SpooledFile, geometry: EncodingGeometry, code: ErasureCode, key: Uint8Array) {
    this.#file = file;
    this.#geometry = geometry;
    this.#code = code;
    this.#cipher = createFileCipher(key);
    this.#blockHashes = Array.from({ length: geometry.total }, () => []);
  }

  /** Each segment's blocks in order of share number. The blocks are the taker's to keep. */
  async *segments(): AsyncGenerator<Uint8Array[]> {
    const { segmentCount, segmentSize } = this.#geometry;
    const read = (segment: number) =>
      this.#file.read(segment * segmentSize, segmentDataSize(this.#geometry, segment));
    let next = read(0);
    for (let segment = 0; segment < segmentCount; segment++) {
      const plaintext = await next;
      // The next segment is read from disk while this one is worked on.
      if (segment + 1 < segmentCount) {
        next = read(segment + 1);
        next.catch(() => undefined);
      }
      yield this.#encode(plaintext);
    }
  }

  /** The hashes of the whole file. To be called after the last segment. */
  finish(): FileHashes {
    const ciphertextTree = new HashTree(this.#segmentHashes);
    const blockTrees = this.#blockHashes.map((hashes) => new HashTree(hashes));
    const shareTree = new HashTree(blockTrees.map(({ root }) => root));
    const uriExtension = encodeUriExtension(
      uriExtensionOf(this.#geometry, {
        ciphertextHash: this.#ciphertextHash.digest(),
        ciphertextRootHash: ciphertextTree.root,
        shareRootHash: shareTree.root,
      }),
    );
    return { uriExtension, ciphertextTree, blockTrees, shareTree };
  }

  #encode(plaintext: Uint8Array): Uint8Array[] {
    const { required } = this.#geometry;
    const ciphertext = this.#cipher.update(plaintext);
    this.#ciphertextHash.update(ciphertext);
    this.#segmentHashes.push(ciphertextSegmentHash(ciphertext));
    const blockSize = Math.ceil(ciphertext.length / required);
    const padded = padTo(ciphertext, blockSize * required);
    const primary = Array.from({ length: required }, (_, share) =>
      padded.subarray(share * blockSize, (share + 1) * blockSize),
    );
    const blocks = this.#code.encode(primary);
    for (const [share, block] of blocks.entries()) this.#blockHashes[share]?.push(blockHash(block));
    return blocks;
  }
}

function padTo(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length === size) return bytes;
  const padded = new Uint8Array(size);
  padded.set(bytes);
  return padded;
}
