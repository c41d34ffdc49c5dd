import { describe, expect, it } from 'vitest';
import type { StorageServer } from '../connections/storage-server.js';
import { StorageServerError } from '../errors.js';
import { BufferPool } from '../memory/buffer-pool.js';
import { JoinedReads } from './joined-reads.js';

const never = new AbortController().signal;

/** A share of so many bytes, of which byte n is n, that notes how it is read. */
function share(size: number, answer: () => Promise<void> = () => Promise.resolve(), buffers?: BufferPool) {
  const requests: (readonly [number, number])[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  const bytes = Uint8Array.from({ length: size }, (_, at) => at);
  const server = {
    nickname: 's1',
    read: async (...[, , start, end, signal, , room]: Parameters<StorageServer['read']>) => {
      requests.push([start, end]);
      signals.push(signal);
      await answer();
      room?.set(bytes.subarray(start, end));
      return room ?? bytes.slice(start, end);
    },
  };
  return { reads: new JoinedReads(server, new Uint8Array(16), 3, buffers), requests, signals };
}

describe('reads of a share', () => {
  it('that follow each other are one request, and others are not', async () => {
    const { reads, requests } = share(100);
    const ranges = [
      [10, 20],
      [0, 10],
      [30, 40],
      [20, 25],
    ] as const;
    const answers = await Promise.all(ranges.map(([start, end]) => reads.read(start, end, never)));
    expect(answers.map(({ bytes }) => [bytes[0], bytes.length])).toEqual([
      [10, 10],
      [0, 10],
      [30, 10],
      [20, 5],
    ]);
    expect(requests).toEqual([
      [0, 25],
      [30, 40],
    ]);
  });

  it('are joined up to a mebibyte', async () => {
    const { reads, requests } = share(4);
    const third = 349_526;
    await Promise.all([0, 1, 2, 3].map((n) => reads.read(n * third, (n + 1) * third, never)));
    expect(requests).toEqual([
      [0, 2 * third],
      [2 * third, 4 * third],
    ]);
  });

  it('bring less, or nothing, where the share ends', async () => {
    const { reads } = share(15);
    const answers = await Promise.all([
      reads.read(0, 10, never),
      reads.read(10, 20, never),
      reads.read(20, 30, never),
    ]);
    expect(answers.map(({ bytes }) => bytes.length)).toEqual([10, 5, 0]);
  });

  describe('into memory that is used again', () => {
    const size = 100_000;
    const lending = (answer?: () => Promise<void>) => {
      const made: Uint8Array[] = [];
      const make = (length: number) => {
        const buffer = new Uint8Array(length);
        made.push(buffer);
        return buffer;
      };
      return { made, ...share(4 * size, answer, new BufferPool(make, 10 * size)) };
    };

    it('keep it until all of those whose answer is in it have released theirs', async () => {
      const { reads, made } = lending();
      const [first, second] = await Promise.all([
        reads.read(0, size, never),
        reads.read(size, 2 * size, never),
      ]);
      expect(first.bytes.buffer).toBe(second.bytes.buffer);
      first.release();
      // Twice is once.
      first.release();
      const meanwhile = await reads.read(2 * size, 4 * size, never);
      expect(meanwhile.bytes.buffer).not.toBe(first.bytes.buffer);
      expect(second.bytes[7]).toBe((size + 7) % 256);
      second.release();
      const again = await reads.read(0, 2 * size, never);
      expect(again.bytes.buffer).toBe(first.bytes.buffer);
      expect(made).toHaveLength(2);
    });

    it('do not wait for those that have left', async () => {
      const leaving = new AbortController();
      const { reads, made } = lending(async () => leaving.abort());
      const asked = [reads.read(0, size, leaving.signal), reads.read(size, 2 * size, never)] as const;
      await expect(asked[0]).rejects.toMatchObject({ code: 'aborted' });
      (await asked[1]).release();
      await reads.read(0, 2 * size, never);
      expect(made).toHaveLength(1);
    });

    it('use it again after a failure', async () => {
      let failing = true;
      const { reads, made } = lending(async () => {
        if (failing) throw new StorageServerError('unreachable', 's1', 'gone');
      });
      await expect(reads.read(0, size, never)).rejects.toThrow('gone');
      failing = false;
      await reads.read(0, size, never);
      expect(made).toHaveLength(1);
    });
  });

  it('fail together, and later ones are asked for anew', async () => {
    let failing = true;
    const { reads } = share(20, async () => {
      if (failing) throw new StorageServerError('unreachable', 's1', 'gone');
    });
    const failed = await Promise.allSettled([reads.read(0, 10, never), reads.read(10, 20, never)]);
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    failing = false;
    expect((await reads.read(0, 10, never)).bytes).toHaveLength(10);
  });

  it('end each with its signal, and their request when nobody wants any of them any more', async () => {
    const { reads, signals } = share(20, () => new Promise(() => undefined));
    const [one, other] = [new AbortController(), new AbortController()];
    const asked = [reads.read(0, 10, one.signal), reads.read(10, 20, other.signal)];
    const settled = Promise.allSettled(asked);
    await expect.poll(() => signals.length).toBe(1);
    one.abort();
    await expect(asked[0]).rejects.toMatchObject({ name: 'StorageServerError', code: 'aborted' });
    expect(signals[0]?.aborted).toBe(false);
    other.abort();
    expect(signals[0]?.aborted).toBe(true);
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(reads.read(0, 10, one.signal)).rejects.toMatchObject({ code: 'aborted' });
    expect(signals).toHaveLength(1);
  });
});
