import { randomBytes } from 'node:crypto';
import { blockHash, blockSizeOf, ciphertextSegmentHash, encodingGeometry } from '@holdfast/lafs';
import { describe, expect, it, vi } from 'vitest';
import { localCoding } from '../coding/local-coding.js';
import { NotEnoughSharesError, StorageServerError, WrongFileError } from '../errors.js';
import { SegmentFetcher } from './segment-fetcher.js';
import type { ShareReader } from './share-reader.js';

const content = randomBytes(3_000);
const key = randomBytes(16);
const geometry = encodingGeometry({ required: 2, total: 4, maximumSegmentSize: 4_000, size: content.length });
const rooms = Array.from({ length: 4 }, () => Buffer.alloc(blockSizeOf(geometry, 0)));
await localCoding.encode(geometry, undefined).encode([content], rooms);

/** A share that gives its block of the one segment, at once or when the test says so, and knows whether that was released. */
class Share {
  readonly reader: ShareReader;
  released = false;
  asked = false;
  answer: () => void = () => undefined;

  constructor(shareNumber: number, how: 'right' | 'wrong' | 'failing' | 'late' = 'right') {
    const right = rooms[shareNumber] as Buffer;
    const block = how === 'wrong' ? Buffer.alloc(right.length) : right;
    const hash = blockHash(right);
    const release = () => {
      this.released = true;
    };
    const answered = new Promise<void>((resolve) => {
      this.answer = resolve;
    });
    if (how !== 'late') this.answer();
    const unprovedBlock = async () => {
      this.asked = true;
      await answered;
      if (how === 'failing') throw new StorageServerError('unreachable', 'storage1', 'it went away');
      return { block, hash, release };
    };
    this.reader = { share: { shareNumber }, unprovedBlock } as unknown as ShareReader;
  }
}

/** What a download has: shares that are open, and others that are opened one by one when one of these is given up. */
function fetching(
  shares: readonly Share[],
  others: readonly Share[] = [],
  { decryptionKey, hash }: { decryptionKey?: Uint8Array; hash?: Uint8Array } = { decryptionKey: key },
) {
  const open = shares.map(({ reader }) => reader);
  const closed = others.map(({ reader }) => reader);
  const dropped: number[] = [];
  const fetcher = new SegmentFetcher({
    sources: {
      open,
      more: async (enough) => {
        while (!enough()) {
          const next = closed.shift();
          if (!next) return false;
          open.push(next);
        }
        return true;
      },
      drop: (reader) => {
        open.splice(open.indexOf(reader), 1);
        dropped.push(reader.share.shareNumber);
      },
      demote: () => false,
      notEnough: () => new NotEnoughSharesError(open.length, 2, []),
    },
    description: { geometry, segmentHashes: { leaf: () => hash } },
    decoding: localCoding.decode(geometry, decryptionKey),
    proved: hash !== undefined,
    signal: undefined,
  });
  return { fetcher, dropped };
}

const areReleased = (...shares: Share[]) => shares.every(({ released }) => released);
const { signal: untilTheEnd } = new AbortController();

describe('the blocks of a segment that is fetched', () => {
  it('are released when it is decoded', async () => {
    const shares = [new Share(0), new Share(1)];
    await fetching(shares).fetcher.fetch(0, untilTheEnd);
    expect(areReleased(...shares)).toBe(true);
  });

  it('are kept where the segment lies in them, until it is released', async () => {
    const shares = [new Share(0), new Share(1)];
    const { pieces, release } = await fetching(shares, [], {}).fetcher.fetch(0, untilTheEnd);
    expect(Buffer.concat(pieces).equals(content)).toBe(true);
    expect(shares.some(({ released }) => released)).toBe(false);
    release();
    expect(areReleased(...shares)).toBe(true);
  });

  it('are released where one is wrong, and that of another share is fetched in its place', async () => {
    const [right, wrong, other] = [new Share(0), new Share(1, 'wrong'), new Share(3)];
    const { fetcher, dropped } = fetching([right, wrong], [other]);
    await fetcher.fetch(0, untilTheEnd);
    expect(dropped).toEqual([1]);
    expect(areReleased(right, wrong, other)).toBe(true);
  });

  it('are released where they decode to something else than the file', async () => {
    const shares = [new Share(0), new Share(1)];
    const { fetcher } = fetching(shares, [], { hash: ciphertextSegmentHash(randomBytes(content.length)) });
    await expect(fetcher.fetch(0, untilTheEnd)).rejects.toThrow(WrongFileError);
    expect(areReleased(...shares)).toBe(true);
  });

  it('are released where others cannot be had', async () => {
    const [there, gone] = [new Share(0), new Share(1, 'failing')];
    const { fetcher, dropped } = fetching([there, gone]);
    await expect(fetcher.fetch(0, untilTheEnd)).rejects.toThrow(NotEnoughSharesError);
    expect(dropped).toEqual([1]);
    expect(there.released).toBe(true);
  });

  it('are released where nobody wants the segment any more, also those that come later', async () => {
    const [there, late] = [new Share(0), new Share(1, 'late')];
    const leaving = new AbortController();
    const fetched = fetching([there, late]).fetcher.fetch(0, leaving.signal);
    await new Promise(setImmediate);
    leaving.abort();
    late.answer();
    await expect(fetched).rejects.toThrow();
    expect(there.released).toBe(true);
    await expect.poll(() => late.released).toBe(true);
  });
});

describe('the patience with shares', () => {
  it('is twice as long with each that gives nothing, until a block comes', async () => {
    vi.useFakeTimers();
    try {
      const silent = [new Share(0, 'late'), new Share(1, 'late')];
      const [third, fourth] = [new Share(2, 'late'), new Share(3, 'late')];
      const fetched = fetching(silent, [third, fourth]).fetcher.fetch(0, untilTheEnd);
      await vi.advanceTimersByTimeAsync(1_900);
      expect(third.asked).toBe(false);
      await vi.advanceTimersByTimeAsync(200);
      expect([third.asked, fourth.asked]).toEqual([true, false]);
      await vi.advanceTimersByTimeAsync(3_800);
      expect(fourth.asked).toBe(false);
      await vi.advanceTimersByTimeAsync(200);
      expect(fourth.asked).toBe(true);
      for (const share of [third, fourth]) share.answer();
      await fetched;
    } finally {
      vi.useRealTimers();
    }
  });

  it('is not more with the next where one gave nothing and was waited for', async () => {
    vi.useFakeTimers();
    try {
      const { fetcher } = fetching([new Share(0), new Share(1, 'late')], [new Share(2)]);
      for (const patience of [2_000, 1_600, 1_280]) {
        let fetched = false;
        const fetch = fetcher.fetch(0, untilTheEnd).then(() => {
          fetched = true;
        });
        await vi.advanceTimersByTimeAsync(patience - 50);
        expect(fetched).toBe(false);
        await vi.advanceTimersByTimeAsync(100);
        await fetch;
      }
    } finally {
      vi.useRealTimers();
    }
  });
});
