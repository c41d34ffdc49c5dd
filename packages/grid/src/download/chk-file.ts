import { setMaxListeners } from 'node:events';
import { createErasureCode } from '@holdfast/erasure';
import {
  type ChkReadCapability,
  ciphertextSegmentHasher,
  createFileCipher,
  segmentDataSize,
} from '@holdfast/lafs';
import { WrongFileError } from '../errors.js';
import type { FileDescription } from './file-description.js';
import type { OpenFile } from './open-file.js';
import type { FetchedBlock, SegmentFetcher } from './segment-fetcher.js';

/** An immutable file whose shares have been found. */
export class ChkFile implements OpenFile {
  readonly #capability: ChkReadCapability;
  readonly #description: FileDescription;
  readonly #fetcher: SegmentFetcher;
  readonly #ahead: number;

  /**
   * @param ahead how many segments are fetched ahead of the taker, at least one
   * @param close gives back what was reserved for the file
   */
  constructor(
    capability: ChkReadCapability,
    description: FileDescription,
    fetcher: SegmentFetcher,
    ahead: number,
    readonly close: () => void,
  ) {
    this.#capability = capability;
    this.#description = description;
    this.#fetcher = fetcher;
    this.#ahead = ahead;
  }

  get size(): number {
    return this.#capability.size;
  }

  async *read(start: number, end: number): AsyncGenerator<Uint8Array> {
    const { segmentSize, required, total } = this.#description.geometry;
    const stop = Math.min(end, this.size);
    if (start >= stop) return;
    const code = createErasureCode({ required, total });
    const first = Math.floor(start / segmentSize);
    const last = Math.floor((stop - 1) / segmentSize);
    const cipher = createFileCipher(this.#capability.key, first * segmentSize);
    let position = first * segmentSize;
    for await (const { segment, blocks } of this.#fetchInOrder(first, last)) {
      const primary = code.decode(blocks);
      const ciphertext = trim(primary, segmentDataSize(this.#description.geometry, segment));
      this.#checkSegment(segment, ciphertext);
      for (const piece of ciphertext) {
        const plaintext = cipher.update(piece);
        const from = Math.max(0, start - position);
        const to = Math.min(plaintext.length, stop - position);
        position += plaintext.length;
        if (from < to) yield plaintext.subarray(from, to);
      }
    }
  }

  /** Segments in order, with a bounded number of them on their way. */
  async *#fetchInOrder(
    first: number,
    last: number,
  ): AsyncGenerator<{ segment: number; blocks: FetchedBlock[] }> {
    const fetching: Promise<FetchedBlock[]>[] = [];
    const leaving = new AbortController();
    // Each segment that is fetched ahead listens.
    setMaxListeners(0, leaving.signal);
    let next = first;
    try {
      for (let segment = first; segment <= last; segment++) {
        for (; next <= last && fetching.length < this.#ahead; next++) {
          const blocks = this.#fetcher.fetch(next, leaving.signal);
          // Its failure is thrown when its turn comes; until then it is not unhandled.
          blocks.catch(() => undefined);
          fetching.push(blocks);
        }
        const blocks = await (fetching.shift() as Promise<FetchedBlock[]>);
        yield { segment, blocks };
      }
    } finally {
      // Whoever stops taking stops the fetching too.
      leaving.abort();
    }
  }

  /**
   * Good blocks of k shares can still disagree with those of k others, where the uploader made them so. The hash of
   * the segment's ciphertext makes sure that a capability stands for one content only.
   */
  #checkSegment(segment: number, ciphertext: readonly Uint8Array[]): void {
    const hasher = ciphertextSegmentHasher();
    for (const piece of ciphertext) hasher.update(piece);
    const expected = this.#description.segmentHashes.leaf(segment);
    if (!expected || Buffer.compare(hasher.digest(), expected) !== 0) {
      throw new WrongFileError(`segment ${segment} decodes to something else than its hash says`);
    }
  }
}

/** The first `size` bytes of some pieces that follow each other: without the padding of the last segment. */
function trim(pieces: readonly Uint8Array[], size: number): Uint8Array[] {
  const trimmed: Uint8Array[] = [];
  let left = size;
  for (const piece of pieces) {
    if (left > 0) trimmed.push(piece.length <= left ? piece : piece.subarray(0, left));
    left -= piece.length;
  }
  return trimmed;
}
