import type { ShareReader } from './share-reader.js';
import type { ShareSources } from './share-sources.js';

/** A block and which share it is of. */
export interface FetchedBlock {
  readonly shareNumber: number;
  readonly block: Uint8Array;
}

/** A block is slow when it takes this many times as long as blocks took lately, … */
const slowFactor = 5;
/** … and at least this long, in milliseconds. */
const slowAtLeast = 500;
/** What is taken for "lately" before the first block has come. */
const firstGuess = 400;

type Outcome = { reader: ShareReader; block: Uint8Array } | { reader: ShareReader; error: Error };

/** Fetches the blocks of segments, each from any k shares, turning to others when one fails or is slow. */
export class SegmentFetcher {
  readonly #sources: ShareSources;
  readonly #required: number;
  #usual = firstGuess;

  constructor(sources: ShareSources, required: number) {
    this.#sources = sources;
    this.#required = required;
  }

  /**
   * k good blocks of one segment.
   *
   * @throws NotEnoughSharesError
   */
  async fetch(segment: number): Promise<FetchedBlock[]> {
    const blocks = new Map<number, Uint8Array>();
    const pending = new Map<ShareReader, Promise<Outcome>>();
    const asked = new Set<ShareReader>();
    const started = performance.now();
    const missing = () => this.#required - blocks.size - pending.size;
    const unasked = () =>
      this.#sources.open.filter(
        (reader) =>
          !asked.has(reader) &&
          !blocks.has(reader.share.shareNumber) &&
          ![...pending.keys()].some(({ share }) => share.shareNumber === reader.share.shareNumber),
      );
    const ask = (reader: ShareReader) => {
      asked.add(reader);
      pending.set(
        reader,
        reader.block(segment).then(
          (block) => ({ reader, block }),
          (error: Error) => ({ reader, error }),
        ),
      );
    };

    while (blocks.size < this.#required) {
      for (const reader of unasked().slice(0, Math.max(0, missing()))) ask(reader);
      if (missing() > 0 && (await this.#sources.more(() => unasked().length > 0))) continue;
      if (pending.size === 0) throw this.#sources.notEnough();

      const outcome = await firstOf(pending.values(), this.#patience(started));
      if (outcome === 'slow') {
        await this.#askAnother(pending, unasked, ask);
        continue;
      }
      pending.delete(outcome.reader);
      if ('error' in outcome) this.#sources.drop(outcome.reader, outcome.error);
      else blocks.set(outcome.reader.share.shareNumber, outcome.block);
    }
    this.#usual = 0.8 * this.#usual + 0.2 * (performance.now() - started);
    // Whoever is still at it when others have come in its place is slow.
    for (const reader of pending.keys()) this.#sources.demote(reader);
    return [...blocks].map(([shareNumber, block]) => ({ shareNumber, block }));
  }

  /** Milliseconds until what is still missing counts as slow. */
  #patience(started: number): number {
    const limit = Math.max(slowAtLeast, slowFactor * this.#usual);
    return Math.max(0, limit - (performance.now() - started));
  }

  /** Asks one more share than needed; where there is none, waits for those that were asked. */
  async #askAnother(
    pending: ReadonlyMap<ShareReader, Promise<Outcome>>,
    unasked: () => ShareReader[],
    ask: (reader: ShareReader) => void,
  ): Promise<void> {
    const opened = this.#sources.more(() => unasked().length > 0);
    // A block may come in while another share is being opened, which may itself be slow.
    const found = await Promise.race([
      opened,
      ...[...pending.values()].map(async (each) => (await each) && false),
    ]);
    const [reader] = found ? unasked() : [];
    if (reader) ask(reader);
    else await Promise.race(pending.values());
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
