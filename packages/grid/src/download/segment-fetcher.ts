import { segmentDataSize } from '@holdfast/lafs';
import type { DecodedSegment, SegmentDecoding } from '../coding/segment-decoder.js';
import type { TakenSegment } from '../coding/segment-pieces.js';
import { WrongFileError } from '../errors.js';
import type { FileDescription } from './file-description.js';
import { type Block, SegmentBlocks } from './segment-blocks.js';
import { type ShareReader, wrongBlock } from './share-reader.js';
import type { ShareSources } from './share-sources.js';

/**
 * A segment is slow when nothing of it comes for so many times as long as the last of its blocks took lately, each from when
 * it was asked for (so that a share that gave nothing, and was waited for, makes nobody more patient with the next), …
 */
const slowFactor = 5;
/** … and at least for so long, in milliseconds. */
const slowAtLeast = 500;
/** Most milliseconds beyond the usual: where a share answers ever later, what is given to it grows slowly. */
const mostPatience = 10_000;
/** What is taken for "lately" before the first segment has come. */
const firstGuess = 400;

type Sources = Pick<ShareSources, 'open' | 'more' | 'drop' | 'demote' | 'notEnough'>;

/** What segments are fetched with. */
export interface SegmentFetcherOptions {
  readonly sources: Sources;
  readonly description: Pick<FileDescription, 'geometry'> & {
    readonly segmentHashes: Pick<FileDescription['segmentHashes'], 'leaf'>;
  };
  readonly decoding: SegmentDecoding;
  /**
   * Whether the ciphertext of each segment is compared with its hash. Good blocks of k shares can still disagree with
   * those of k others, where the uploader made them so, and a capability is to stand for one content only. Whoever
   * proves all of the ciphertext anyway, before anything comes of it, need not do so twice.
   */
  readonly proved: boolean;
  /** Ends the download. */
  readonly signal: AbortSignal | undefined;
}

/** Fetches segments, each from any k shares, turning to others when one fails, is wrong or is slow. */
export class SegmentFetcher {
  readonly #options: SegmentFetcherOptions;
  readonly #sources: Sources;
  readonly #required: number;
  readonly #signal: AbortSignal | undefined;
  /** The last two segments that were decoded, or are to be. */
  #decoded: readonly [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()];
  /** Those whose blocks are being waited for. */
  readonly #waiting = new Set<SegmentBlocks>();
  #usual = firstGuess;

  constructor(options: SegmentFetcherOptions) {
    this.#options = options;
    this.#sources = options.sources;
    this.#required = options.description.geometry.required;
    this.#signal = options.signal;
  }

  /**
   * The bytes of one segment as `decoding` gives them, without padding.
   *
   * @param leaving ends this fetch; what is thrown then is of no meaning
   * @throws NotEnoughSharesError, WrongFileError, CodingError, or the reason of the download's signal
   */
  async fetch(segment: number, leaving: AbortSignal): Promise<TakenSegment> {
    let good: [ShareReader, Block][] = [];
    for (;;) {
      const fetched = await this.#fetchBlocks(segment, good, leaving);
      const decoded = await this.#decode(segment, fetched, leaving).catch((error) => {
        release(fetched);
        throw error;
      });
      if ('pieces' in decoded) {
        const { pieces, liesInBlocks, release: releasePieces = nothingToRelease } = decoded;
        if (liesInBlocks) return { pieces, release: releaseBoth(fetched, releasePieces) };
        release(fetched);
        return { pieces, release: releasePieces };
      }
      if ('wrongSegment' in decoded) {
        release(fetched);
        throw new WrongFileError(`segment ${segment} decodes to something else than its hash says`);
      }
      const isWrong = ({ share }: ShareReader) => decoded.wrongBlocks.includes(share.shareNumber);
      for (const [reader, block] of fetched) {
        if (!isWrong(reader)) continue;
        block.release();
        this.#sources.drop(reader, wrongBlock(segment));
      }
      good = [...fetched].filter(([reader]) => !isWrong(reader));
    }
  }

  async #decode(
    segment: number,
    fetched: ReadonlyMap<ShareReader, Block>,
    leaving: AbortSignal,
  ): Promise<DecodedSegment> {
    const { decoding, description, proved } = this.#options;
    const blocks = [...fetched].map(([{ share }, { block, hash }]) => ({
      shareNumber: share.shareNumber,
      block,
      hash,
    }));
    const size = segmentDataSize(description.geometry, segment);
    // Now, as it may have to be read again later.
    const hash = proved ? this.#hashOf(segment) : undefined;
    return this.#inTurn(() => {
      leaving.throwIfAborted();
      return decoding.decode({ segment, blocks, size, hash });
    });
  }

  /** Decodes when the one before the last is decoded: so no more than two lie with the thread, and in copies where it does not see their blocks. */
  async #inTurn(decode: () => Promise<DecodedSegment>): Promise<DecodedSegment> {
    const [turn, last] = this.#decoded;
    const decoded = turn.then(decode);
    const done = () => undefined;
    // Not what it gave: that would stay in memory.
    this.#decoded = [last, decoded.then(done, done)];
    return decoded;
  }

  /** Whoever reads a block of a segment has read this too. */
  #hashOf(segment: number): Uint8Array {
    const hash = this.#options.description.segmentHashes.leaf(segment);
    if (!hash) throw new WrongFileError(`the hash of segment ${segment} is not there`);
    return hash;
  }

  /**
   * Blocks of k shares, as they came.
   *
   * @param good those that are there already, and proved
   */
  async #fetchBlocks(
    segment: number,
    good: Iterable<readonly [ShareReader, Block]>,
    leaving: AbortSignal,
  ): Promise<ReadonlyMap<ShareReader, Block>> {
    const blocks = new SegmentBlocks(segment, this.#sources, good);
    const end = () => blocks.cancel();
    for (const signal of [leaving, this.#signal]) signal?.addEventListener('abort', end, { once: true });
    try {
      leaving.throwIfAborted();
      this.#waiting.add(blocks);
      await this.#fill(blocks, leaving);
    } catch (error) {
      release(blocks.done);
      throw error;
    } finally {
      this.#waiting.delete(blocks);
      for (const signal of [leaving, this.#signal]) signal?.removeEventListener('abort', end);
      blocks.cancel();
    }
    // Whoever is still at it when others have come in its place is slow.
    for (const reader of blocks.pending.keys()) {
      if (!this.#sources.demote(reader)) continue;
      // Segments that wait for it need not find that out once more, but for those that have asked another already.
      for (const other of this.#waiting)
        if (other.pending.has(reader) && this.#hopedFor(other) < this.#required) other.hurry();
    }
    return blocks.done;
  }

  /** Blocks that are there, or asked for of shares that are not slow. */
  #hopedFor({ done, pending }: SegmentBlocks): number {
    return done.size + this.#sources.open.filter((reader) => pending.has(reader)).length;
  }

  async #fill(blocks: SegmentBlocks, leaving: AbortSignal): Promise<void> {
    const { pending, done } = blocks;
    const missing = () => this.#required - done.size - pending.size;
    // Patience is counted from the last thing that happened: a stall costs one more share, not one for each moment
    // that the segment is late.
    let lastProgress = performance.now();
    let stalls = 0;
    let longest = 0;
    while (done.size < this.#required) {
      this.#signal?.throwIfAborted();
      leaving.throwIfAborted();
      for (const reader of blocks.unasked().slice(0, Math.max(0, missing()))) blocks.ask(reader);
      if (missing() > 0 && (await this.#sources.more(() => blocks.unasked().length > 0))) continue;
      if (pending.size === 0) throw this.#sources.notEnough();

      const outcome = await blocks.next(this.#patience(lastProgress, stalls));
      if (outcome === 'slow') {
        stalls++;
        await this.#askAnother(blocks);
        lastProgress = performance.now();
        continue;
      }
      this.#signal?.throwIfAborted();
      leaving.throwIfAborted();
      lastProgress = performance.now();
      pending.delete(outcome.reader);
      if ('error' in outcome) this.#sources.drop(outcome.reader, outcome.error);
      else {
        done.set(outcome.reader, outcome.block);
        stalls = 0;
        longest = Math.max(longest, outcome.took);
      }
    }
    this.#usual = 0.8 * this.#usual + 0.2 * longest;
  }

  /**
   * Milliseconds until what is still missing counts as slow. With each stall after which no block came it is twice as long:
   * where it is our own line that is slow, every further share that is asked makes all others slower.
   */
  #patience(lastProgress: number, stalls: number): number {
    const usual = Math.min(slowFactor * this.#usual, this.#usual + mostPatience);
    const limit = Math.max(slowAtLeast, usual) * 2 ** stalls;
    return Math.max(0, limit - (performance.now() - lastProgress));
  }

  /** Asks one more share than needed; where there is none, waits for those that were asked. */
  async #askAnother(blocks: SegmentBlocks): Promise<void> {
    const opened = this.#sources.more(() => blocks.unasked().length > 0);
    // A block may come in while another share is being opened, which may itself be slow.
    const found = await Promise.race([
      opened,
      ...[...blocks.pending.values()].map(async (each) => (await each) && false),
    ]);
    const [reader] = found ? blocks.unasked() : [];
    if (reader) blocks.ask(reader);
    else await Promise.race(blocks.pending.values());
  }
}

/** One for all: made where it is used, it would keep the blocks in memory. */
const nothingToRelease = () => undefined;

/** Not made where the blocks are released already, for the same reason. */
function releaseBoth(blocks: ReadonlyMap<ShareReader, Block>, releasePieces: () => void): () => void {
  return () => {
    release(blocks);
    releasePieces();
  };
}

function release(blocks: ReadonlyMap<ShareReader, Block>): void {
  for (const block of blocks.values()) block.release();
}
