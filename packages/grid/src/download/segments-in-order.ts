import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TakenSegment } from '../coding/segment-pieces.js';
import { readTogether } from './download-memory.js';
import type { SegmentFetcher } from './segment-fetcher.js';

/** One for all: to abort without a reason makes an error with its stack. */
const unwanted = new Error('nobody takes these segments any more');

/** The segments of a file whose shares have been found, one after the other. */
export class SegmentsInOrder {
  readonly #fetcher: Pick<SegmentFetcher, 'fetch'>;
  readonly #ahead: number;

  /** @param ahead how many segments are fetched ahead of the taker, at least one */
  constructor(fetcher: Pick<SegmentFetcher, 'fetch'>, ahead: number) {
    this.#fetcher = fetcher;
    this.#ahead = ahead;
  }

  /**
   * Segments in order, each without padding. A bounded number of them is on the way.
   *
   * @throws as `SegmentFetcher.fetch`
   */
  async *read(first: number, last: number): AsyncGenerator<TakenSegment> {
    const fetching: Promise<TakenSegment>[] = [];
    const leaving = new AbortController();
    // Each segment that is fetched ahead listens.
    setMaxListeners(0, leaving.signal);
    let next = first;
    // Segments that are begun together have their blocks of a share read in one request. The first goes alone, so that it
    // is there soon; then twice as many each time, up to half of those ahead.
    const most = readTogether(this.#ahead);
    let together = 1;
    try {
      for (let segment = first; segment <= last; segment++) {
        while (next <= last && fetching.length + together <= this.#ahead) {
          for (const end = next + together; next < end && next <= last; next++) {
            const fetched = this.#fetcher.fetch(next, leaving.signal);
            // Its failure is thrown when its turn comes; until then it is not unhandled.
            fetched.catch(() => undefined);
            fetching.push(fetched);
          }
          together = Math.min(2 * together, most);
          await nextTurn();
        }
        yield await (fetching.shift() as Promise<TakenSegment>);
      }
    } finally {
      // Whoever stops taking stops the fetching too.
      leaving.abort(unwanted);
      for (const fetched of fetching)
        fetched.then(
          ({ release }) => release(),
          () => undefined,
        );
    }
  }
}
