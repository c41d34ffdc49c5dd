import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createErasureCode } from '@holdfast/erasure';
import { ciphertextSegmentHasher, segmentDataSize } from '@holdfast/lafs';
import { WrongFileError } from '../errors.js';
import type { FileDescription } from './file-description.js';
import type { FetchedBlock, SegmentFetcher } from './segment-fetcher.js';

/** One for all: to abort without a reason makes an error with its stack. */
const unwanted = new Error('nobody takes these segments any more');

/** The ciphertext of a file whose shares have been found, segment by segment. */
export class Ciphertext {
  readonly #description: FileDescription;
  readonly #fetcher: Pick<SegmentFetcher, 'fetch'>;
  readonly #ahead: number;

  /** @param ahead how many segments are fetched ahead of the taker, at least one */
  constructor(description: FileDescription, fetcher: Pick<SegmentFetcher, 'fetch'>, ahead: number) {
    this.#description = description;
    this.#fetcher = fetcher;
    this.#ahead = ahead;
  }

  /**
   * Segments in order, each in pieces that follow each other, without padding, and checked against its hash.
   *
   * @throws NotEnoughSharesError, WrongFileError, or the reason of the download's signal
   */
  async *segments(first: number, last: number): AsyncGenerator<readonly Uint8Array[]> {
    let segment = first;
    for await (const pieces of this.unprovedSegments(first, last)) {
      this.#checkSegment(segment, pieces);
      segment++;
      yield pieces;
    }
  }

  /**
   * As `segments`, but for the last check: for whoever hashes the whole ciphertext anyway, and compares that before
   * anything comes of it.
   *
   * @throws NotEnoughSharesError, or the reason of the download's signal
   */
  async *unprovedSegments(first: number, last: number): AsyncGenerator<readonly Uint8Array[]> {
    const { geometry } = this.#description;
    const code = createErasureCode(geometry);
    for await (const { segment, blocks } of this.#fetchInOrder(first, last))
      yield trim(code.decode(blocks), segmentDataSize(geometry, segment));
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
    // Segments that are begun together have their blocks of a share read in one request. The first goes alone, so that it
    // is there soon; then twice as many each time, up to half of those ahead.
    const most = Math.max(1, Math.floor(this.#ahead / 2));
    let together = 1;
    try {
      for (let segment = first; segment <= last; segment++) {
        while (next <= last && fetching.length + together <= this.#ahead) {
          for (const end = next + together; next < end && next <= last; next++) {
            const blocks = this.#fetcher.fetch(next, leaving.signal);
            // Its failure is thrown when its turn comes; until then it is not unhandled.
            blocks.catch(() => undefined);
            fetching.push(blocks);
          }
          together = Math.min(2 * together, most);
          await nextTurn();
        }
        const blocks = await (fetching.shift() as Promise<FetchedBlock[]>);
        yield { segment, blocks };
      }
    } finally {
      // Whoever stops taking stops the fetching too.
      leaving.abort(unwanted);
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
