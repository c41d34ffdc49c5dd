import { copyBytes, createErasureCode } from '@holdfast/erasure';
import {
  blockHash,
  ciphertextHasher,
  createFileCipher,
  type EncodingGeometry,
  hashSize,
} from '@holdfast/lafs';
import { partOf, segmentHash } from './segment-pieces.js';

/** Turns the segments of one file into blocks, in order. */
export interface SegmentEncoding {
  /**
   * Encrypts (where there is a key), codes and hashes the next segment, writing its blocks into `rooms`: one for each
   * share that is made, in order of share number, each as long as a block of this segment. It may be asked for the next
   * while one is under way; they are done one after the other.
   *
   * @param segment its bytes, without padding, in pieces that follow each other
   * @param hash of its ciphertext, where that is known
   * @returns the hash of its ciphertext and then of each block, 32 bytes each, one after the other
   */
  encode(
    segment: readonly Uint8Array[],
    rooms: readonly Uint8Array[],
    hash?: Uint8Array,
  ): Promise<Uint8Array>;

  /** The hash of the whole ciphertext. To be called once, after the last segment; not where only some shares are made. */
  finish(): Promise<Uint8Array>;

  /** Forgets the file, finished or not. */
  close(): void;
}

/** All work that an upload or a repair does with a file's bytes, but for reading and sending them. */
export class SegmentEncoder implements SegmentEncoding {
  readonly #required: number;
  readonly #code;
  readonly #cipher;
  /** Where in `rooms` a share's room is. */
  readonly #roomOf: ReadonlyMap<number, number>;
  readonly #parity: readonly number[];
  /** Where only some shares are made the file is known, and its segments' hashes tell as much. */
  readonly #ciphertextHash: ReturnType<typeof ciphertextHasher> | undefined;

  /**
   * @param key the file's read key, 16 bytes; without it the segments are ciphertext already
   * @param shares the numbers of the shares that are made, in order; all without it
   */
  constructor(
    { required, total }: EncodingGeometry,
    key: Uint8Array | undefined,
    shares: readonly number[] | undefined,
  ) {
    const made = shares ?? Array.from({ length: total }, (_, share) => share);
    this.#required = required;
    this.#code = createErasureCode({ required, total });
    this.#cipher = key && createFileCipher(key);
    this.#roomOf = new Map(made.map((share, position) => [share, position]));
    this.#parity = made.filter((share) => share >= required);
    this.#ciphertextHash = shares ? undefined : ciphertextHasher();
  }

  async encode(
    segment: readonly Uint8Array[],
    rooms: readonly Uint8Array[],
    hash?: Uint8Array,
  ): Promise<Uint8Array> {
    const cipher = this.#cipher;
    const ciphertext = cipher ? segment.map((piece) => cipher.update(piece)) : segment;
    const room = (share: number) => rooms[this.#roomOf.get(share) ?? rooms.length];
    const blockSize = rooms[0]?.length ?? 0;
    const primary = Array.from({ length: this.#required }, (_, share) =>
      primaryBlock(ciphertext, share * blockSize, blockSize, room(share)),
    );
    this.#code.encode(primary, this.#parity, (share) => room(share) as Uint8Array);
    for (const piece of ciphertext) this.#ciphertextHash?.update(piece);
    const hashes = new Uint8Array((1 + rooms.length) * hashSize);
    hashes.set(hash ?? segmentHash(ciphertext));
    for (const [index, block] of rooms.entries()) hashes.set(blockHash(block), (1 + index) * hashSize);
    return hashes;
  }

  async finish(): Promise<Uint8Array> {
    if (!this.#ciphertextHash)
      throw new RangeError('where only some shares are made the whole ciphertext is not hashed');
    return this.#ciphertextHash.digest();
  }

  close(): void {
    // Nothing is held that the garbage collector does not find.
  }
}

/** @param room where the block is to be, if it is made for a share; else it may be a part of the ciphertext */
function primaryBlock(
  ciphertext: readonly Uint8Array[],
  start: number,
  size: number,
  room: Uint8Array | undefined,
): Uint8Array {
  const parts = partOf(ciphertext, start, size);
  const [only] = parts;
  if (!room && only?.length === size) return only;
  const block = room ?? new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    copyBytes(part, block, at);
    at += part.length;
  }
  // The last segment is filled up with zeros.
  block.fill(0, at);
  return block;
}
