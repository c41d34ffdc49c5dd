import { describe, expect, it } from 'vitest';
import { SegmentsInOrder } from './segments-in-order.js';

/** Gives segments at once, and knows which were released. */
class Fetcher {
  readonly fetched: number[] = [];
  readonly released: number[] = [];

  async fetch(segment: number) {
    this.fetched.push(segment);
    return { pieces: [Buffer.from([segment])], release: () => void this.released.push(segment) };
  }
}

describe('the segments of a file', () => {
  it('come in order, so many ahead of who takes them', async () => {
    const fetcher = new Fetcher();
    const taken: number[] = [];
    for await (const { pieces } of new SegmentsInOrder(fetcher, 3).read(2, 8)) {
      taken.push(pieces[0]?.[0] ?? -1);
      expect(fetcher.fetched.length - taken.length).toBeLessThan(3);
    }
    expect(taken).toEqual([2, 3, 4, 5, 6, 7, 8]);
    // That is left to who takes them.
    expect(fetcher.released).toEqual([]);
  });

  it('are released that were fetched ahead for one who stops taking', async () => {
    const fetcher = new Fetcher();
    let taken = 0;
    for await (const _ of new SegmentsInOrder(fetcher, 4).read(0, 9)) {
      taken++;
      if (fetcher.fetched.length > taken + 1) break;
    }
    await expect.poll(() => fetcher.released).toEqual(fetcher.fetched.slice(taken));
    expect(fetcher.released.length).toBeGreaterThan(1);
  });
});
