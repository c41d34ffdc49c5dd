import { copyBytes, createErasureCode } from '@holdfast/erasure';
import {
  blockHash,
  ciphertextHasher,
  ciphertextSegmentHash,
  createFileCipher,
  type EncodingGeometry,
  hashSize,
} from '@holdfast/lafs';

/** Turns the segments of one file into blocks, in order. */
export interface SegmentEncoding {
  /**
   * Encrypts (where there is a key), codes and hashes the next segment, writing its blocks into `rooms`: one for each share, in order of share
   * number, each as long as a block of this segment.
   *
   * @param segment its bytes, without padding
   * @returns the hash of its ciphertext and then of each block, 32 bytes each, one after the other
   */
  encode(segment: Uint8Array, rooms: readonly Uint8Array[]): Promise<Uint8Array>;

  /** The hash of the whole ciphertext. To be called once, after the last segment. */
  finish(): Promise<Uint8Array>;

  /** Forgets the file, finished or not. */
  close(): void;
}

/** All work that an upload does with a file's bytes, but for reading and sending them. */
export class SegmentEncoder implements SegmentEncoding {
  readonly #required: number;
  readonly #code;
  readonly #cipher;
  readonly #ciphertextHash = ciphertextHasher();

  /** @param key the file's read key, 16 bytes; without it the segments are ciphertext already */
  constructor({ required, total }: EncodingGeometry, key: Uint8Array | undefined) {
    this.#required = required;
    this.#code = createErasureCode({ required, total });
    this.#cipher = key && createFileCipher(key);
  }

  async encode(segment: Uint8Array, rooms: readonly Uint8Array[]): Promise<Uint8Array> {
    const ciphertext = this.#cipher?.update(segment) ?? segment;
    this.#ciphertextHash.update(ciphertext);
    const primary = rooms.slice(0, this.#required);
    for (const [share, room] of primary.entries()) {
      const block = ciphertext.subarray(share * room.length, (share + 1) * room.length);
      copyBytes(block, room);
      // The last segment is filled up with zeros.
      room.fill(0, block.length);
    }
    this.#code.encode(primary, undefined, (share) => rooms[share] as Uint8Array);
    const hashes = new Uint8Array((1 + rooms.length) * hashSize);
    hashes.set(ciphertextSegmentHash(ciphertext));
    for (const [share, room] of rooms.entries()) hashes.set(blockHash(room), (1 + share) * hashSize);
    return hashes;
  }

  async finish(): Promise<Uint8Array> {
    return this.#ciphertextHash.digest();
  }

  close(): void {
    // Nothing is held that the garbage collector does not find.
  }
}
