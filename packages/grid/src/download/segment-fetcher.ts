import type { ShareReader } from './share-reader.js';
import type { ShareSources } from './share-sources.js';

/** A block and which share it is of. */
export interface FetchedBlock {
  readonly shareNumber: number;
  readonly block: Uint8Array;
}

/** A segment is slow when nothing of it comes for so many times as long as segments took lately, … */
const slowFactor = 5;
/** … and at least for so long, in milliseconds. */
const slowAtLeast = 500;
/** One for all: to abort without a reason makes an error with its stack, and each segment ends so. */
const unwanted = new Error('nobody waits for these blocks any more');
/** What is taken for "lately" before the first segment has come. */
const firstGuess = 400;

type Outcome = { reader: ShareReader; block: Uint8Array } | { reader: ShareReader; error: Error };

/** Fetches the blocks of segments, each from any k shares, turning to others when one fails or is slow. */
export class SegmentFetcher {
  readonly #sources: ShareSources;
  readonly #required: number;
  readonly #signal: AbortSignal | undefined;
  #usual = firstGuess;

  /** @param signal ends the download */
  constructor(sources: ShareSources, required: number, signal: AbortSignal | undefined) {
    this.#sources = sources;
    this.#required = required;
    this.#signal = signal;
  }

  /**
   * k good blocks of one segment.
   *
   * @param leaving ends this fetch; what is thrown then is of no meaning
   * @throws NotEnoughSharesError, or the reason of the download's signal
   */
  async fetch(segment: number, leaving: AbortSignal): Promise<FetchedBlock[]> {
    const started = performance.now();
    const blocks = new SegmentBlocks(segment, this.#sources);
    const end = () => blocks.cancel();
    for (const signal of [leaving, this.#signal]) signal?.addEventListener('abort', end, { once: true });
    try {
      leaving.throwIfAborted();
      await this.#fill(blocks, leaving);
    } finally {
      for (const signal of [leaving, this.#signal]) signal?.removeEventListener('abort', end);
      blocks.cancel();
    }
    this.#usual = 0.8 * this.#usual + 0.2 * (performance.now() - started);
    // Whoever is still at it when others have come in its place is slow.
    for (const reader of blocks.pending.keys()) this.#sources.demote(reader);
    return [...blocks.done].map(([shareNumber, block]) => ({ shareNumber, block }));
  }

  async #fill(blocks: SegmentBlocks, leaving: AbortSignal): Promise<void> {
    const { pending, done } = blocks;
    const missing = () => this.#required - done.size - pending.size;
    // Patience is counted from the last thing that happened: a stall costs one more share, not one for each moment
    // that the segment is late.
    let lastProgress = performance.now();
    while (done.size < this.#required) {
      this.#signal?.throwIfAborted();
      leaving.throwIfAborted();
      for (const reader of blocks.unasked().slice(0, Math.max(0, missing()))) blocks.ask(reader);
      if (missing() > 0 && (await this.#sources.more(() => blocks.unasked().length > 0))) continue;
      if (pending.size === 0) throw this.#sources.notEnough();

      const outcome = await firstOf(pending.values(), this.#patience(lastProgress));
      if (outcome === 'slow') {
        await this.#askAnother(blocks);
        lastProgress = performance.now();
        continue;
      }
      this.#signal?.throwIfAborted();
      leaving.throwIfAborted();
      lastProgress = performance.now();
      pending.delete(outcome.reader);
      if ('error' in outcome) this.#sources.drop(outcome.reader, outcome.error);
      else done.set(outcome.reader.share.shareNumber, outcome.block);
    }
  }

  /** Milliseconds until what is still missing counts as slow. */
  #patience(lastProgress: number): number {
    const limit = Math.max(slowAtLeast, slowFactor * this.#usual);
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

/** The blocks of one segment: those that have come, and those that were asked for. */
class SegmentBlocks {
  readonly done = new Map<number, Uint8Array>();
  readonly pending = new Map<ShareReader, Promise<Outcome>>();
  readonly #segment: number;
  readonly #sources: ShareSources;
  readonly #asked = new Set<ShareReader>();
  readonly #cancelling = new AbortController();

  constructor(segment: number, sources: ShareSources) {
    this.#segment = segment;
    this.#sources = sources;
  }

  /** Open shares whose block was neither had nor asked for. */
  unasked(): ShareReader[] {
    const numbers = new Set(this.done.keys());
    for (const { share } of this.pending.keys()) numbers.add(share.shareNumber);
    return this.#sources.open.filter(
      (reader) => !this.#asked.has(reader) && !numbers.has(reader.share.shareNumber),
    );
  }

  ask(reader: ShareReader): void {
    this.#asked.add(reader);
    this.pending.set(
      reader,
      reader.block(this.#segment, this.#cancelling.signal).then(
        (block) => ({ reader, block }),
        (error: Error) => ({ reader, error }),
      ),
    );
  }

  /** Ends the reads that are still on their way. */
  cancel(): void {
    this.#cancelling.abort(unwanted);
  }
}

async function firstOf(pending: Iterable<Promise<Outcome>>, patience: number): Promise<Outcome | 'slow'> {
  let timer: NodeJS.Timeout | undefined;
  const slow = new Promise<'slow'>((resolve) => {
    timer = setTimeout(() => resolve('slow'), patience);
  });
  try {
    return await Promise.race([...pending, slow]);
  } finally {
    clearTimeout(timer);
  }
}
