import type { BlockToProve } from '../coding/segment-decoder.js';
import type { LentBytes } from './joined-reads.js';
import type { ShareReader } from './share-reader.js';
import type { ShareSources } from './share-sources.js';

/** A block as it came, and what it must hash to. It is released when nobody will look at it any more. */
export type Block = Omit<BlockToProve, 'shareNumber'> & Pick<LentBytes, 'release'>;

type Outcome =
  /** `took`: in milliseconds since it was asked for. */
  { reader: ShareReader; block: Block; took: number } | { reader: ShareReader; error: Error };

/** One for all: to abort without a reason makes an error with its stack, and each segment ends so. */
const unwanted = new Error('nobody waits for these blocks any more');

/** The blocks of one segment: those that have come, and those that were asked for. */
export class SegmentBlocks {
  readonly done: Map<ShareReader, Block>;
  readonly pending = new Map<ShareReader, Promise<Outcome>>();
  readonly #segment: number;
  readonly #sources: Pick<ShareSources, 'open'>;
  readonly #asked = new Set<ShareReader>();
  readonly #cancelling = new AbortController();
  #hurry: () => void = () => undefined;

  /** @param good blocks of it that are there already */
  constructor(
    segment: number,
    sources: Pick<ShareSources, 'open'>,
    good: Iterable<readonly [ShareReader, Block]> = [],
  ) {
    this.#segment = segment;
    this.#sources = sources;
    this.done = new Map(good);
  }

  /**
   * Open shares, of different numbers, whose block was neither had nor asked for. Two servers may hold a share of one number,
   * and both be open when one of them was slow.
   */
  unasked(): ShareReader[] {
    const numbers = new Set([...this.done.keys(), ...this.pending.keys()].map(numberOf));
    const unasked: ShareReader[] = [];
    for (const reader of this.#sources.open) {
      if (this.#asked.has(reader) || numbers.has(numberOf(reader))) continue;
      numbers.add(numberOf(reader));
      unasked.push(reader);
    }
    return unasked;
  }

  ask(reader: ShareReader): void {
    this.#asked.add(reader);
    const asked = performance.now();
    this.pending.set(
      reader,
      reader.unprovedBlock(this.#segment, this.#cancelling.signal).then(
        (block) => ({ reader, block, took: performance.now() - asked }),
        (error: Error) => ({ reader, error }),
      ),
    );
  }

  /** What comes of the first that was asked for; or that it takes too long. */
  async next(patience: number): Promise<Outcome | 'slow'> {
    let timer: NodeJS.Timeout | undefined;
    const slow = new Promise<'slow'>((resolve) => {
      this.#hurry = () => resolve('slow');
      // What came while this process itself had no time is looked at first.
      timer = setTimeout(() => setImmediate(this.#hurry), patience);
    });
    try {
      return await Promise.race([...this.pending.values(), slow]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Takes what is waited for at the moment for slow. */
  hurry(): void {
    this.#hurry();
  }

  /** Ends the reads that are still on their way. What has come all the same, nobody looks at. */
  cancel(): void {
    this.#cancelling.abort(unwanted);
    for (const outcome of this.pending.values())
      void outcome.then((came) => {
        if ('block' in came) came.block.release();
      });
  }
}

function numberOf({ share }: ShareReader): number {
  return share.shareNumber;
}
