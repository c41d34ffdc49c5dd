import type { ErasureCode } from '@holdfast/erasure';
import {
  blockHash,
  blockSizeOf,
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

/** A segment whose blocks are to be made. */
export interface SegmentToEncode {
  /** Bytes of each of its blocks. */
  readonly blockSize: number;
  /** Encrypts, codes and hashes it, writing its blocks into `rooms`: one for each share, in order of share number. */
  encodeInto(rooms: readonly Uint8Array[]): void;
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

  /**
   * The file's segments in order, each to be encoded before the next is asked for. The next one is read from disk
   * meanwhile, into one of two buffers that take turns.
   */
  async *segments(): AsyncGenerator<SegmentToEncode> {
    const { segmentCount, segmentSize } = this.#geometry;
    const buffers = [0, 1].map(() => Buffer.allocUnsafeSlow(segmentCount > 1 ? segmentSize : 0));
    const read = (segment: number) =>
      this.#file.read(
        segment * segmentSize,
        segmentDataSize(this.#geometry, segment),
        segmentCount > 1 ? buffers[segment % 2] : undefined,
      );
    let next = read(0);
    for (let segment = 0; segment < segmentCount; segment++) {
      const plaintext = await next;
      if (segment + 1 < segmentCount) {
        next = read(segment + 1);
        next.catch(() => undefined);
      }
      yield {
        blockSize: blockSizeOf(this.#geometry, segment),
        encodeInto: (rooms) => this.#encode(plaintext, rooms),
      };
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

  #encode(plaintext: Uint8Array, rooms: readonly Uint8Array[]): void {
    const { required } = this.#geometry;
    const ciphertext = this.#cipher.update(plaintext);
    this.#ciphertextHash.update(ciphertext);
    this.#segmentHashes.push(ciphertextSegmentHash(ciphertext));
    const primary = rooms.slice(0, required);
    for (const [share, room] of primary.entries()) {
      const block = ciphertext.subarray(share * room.length, (share + 1) * room.length);
      room.set(block);
      // The last segment is filled up with zeros.
      room.fill(0, block.length);
    }
    this.#code.encode(primary, undefined, (share) => rooms[share] as Uint8Array);
    for (const [share, room] of rooms.entries()) this.#blockHashes[share]?.push(blockHash(room));
  }
}
