import type { BlockToProve } from '../coding/segment-decoder.js';
import type { ShareReader } from './share-reader.js';
import type { ShareSources } from './share-sources.js';

/** A block as it came, and what it must hash to. */
export type Block = Omit<BlockToProve, 'shareNumber'>;

type Outcome = ({ reader: ShareReader } & Block) | { reader: ShareReader; error: Error };

/** One for all: to abort without a reason makes an error with its stack, and each segment ends so. */
const unwanted = new Error('nobody waits for these blocks any more');

/** The blocks of one segment: those that have come, and those that were asked for. */
export class SegmentBlocks {
  readonly done = new Map<ShareReader, Block>();
  readonly pending = new Map<ShareReader, Promise<Outcome>>();
  readonly #segment: number;
  readonly #sources: ShareSources;
  readonly #asked = new Set<ShareReader>();
  readonly #cancelling = new AbortController();
  #hurry: () => void = () => undefined;

  constructor(segment: number, sources: ShareSources) {
    this.#segment = segment;
    this.#sources = sources;
  }

  /** Open shares whose block was neither had nor asked for. */
  unasked(): ShareReader[] {
    const numbers = new Set<number>();
    for (const { share } of [...this.done.keys(), ...this.pending.keys()]) numbers.add(share.shareNumber);
    return this.#sources.open.filter(
      (reader) => !this.#asked.has(reader) && !numbers.has(reader.share.shareNumber),
    );
  }

  ask(reader: ShareReader): void {
    this.#asked.add(reader);
    this.pending.set(
      reader,
      reader.unprovedBlock(this.#segment, this.#cancelling.signal).then(
        (block) => ({ reader, ...block }),
        (error: Error) => ({ reader, error }),
      ),
    );
  }

  /** What comes of the first that was asked for; or that it takes too long. */
  async next(patience: number): Promise<Outcome | 'slow'> {
    let timer: NodeJS.Timeout | undefined;
    const slow = new Promise<'slow'>((resolve) => {
      this.#hurry = () => resolve('slow');
      timer = setTimeout(this.#hurry, patience);
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

  /** Ends the reads that are still on their way. */
  cancel(): void {
    this.#cancelling.abort(unwanted);
  }
}
