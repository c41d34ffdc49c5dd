import { describe, expect, it } from 'vitest';
import { Capacity, OverloadedError } from './capacity.js';

const of = 'places';

/** Whether a promise has settled by now. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([
    promise.then(() => true),
    new Promise<false>((resolve) => setImmediate(resolve, false)),
  ]);
}

describe('Capacity', () => {
  it('gives out what there is, and to the next in line what is given back', async () => {
    const capacity = new Capacity({ of, size: 2 });
    const first = await capacity.take(1);
    await capacity.take(1);
    const third = capacity.take(1);
    expect(await settled(third)).toBe(false);
    first.release();
    first.release();
    await third;
    expect(capacity.taken).toBe(2);
  });

  it('takes part of a reservation back, and all of it once', async () => {
    const capacity = new Capacity({ of, size: 10 });
    const held = await capacity.take(8);
    held.shrinkTo(3);
    held.shrinkTo(5);
    expect(capacity.taken).toBe(3);
    held.release();
    held.release();
    expect(capacity.taken).toBe(0);
  });

  it('lets nobody who wants little pass by one who wants much', async () => {
    const capacity = new Capacity({ of, size: 10 });
    const held = await capacity.take(6);
    const much = capacity.take(8);
    const little = capacity.take(1);
    expect(await settled(little)).toBe(false);
    held.release();
    await much;
    await little;
    expect(capacity.taken).toBe(9);
  });

  it('forgets one in line who went away, and serves who stood behind', async () => {
    const capacity = new Capacity({ of, size: 2 });
    await capacity.take(1);
    const leaving = new AbortController();
    const waiting = capacity.take(2, leaving.signal);
    const behind = capacity.take(1);
    leaving.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    await behind;
    expect(capacity.taken).toBe(2);
  });

  it('lets nobody wait for ever, and no line grow for ever', async () => {
    const capacity = new Capacity({ of, size: 1, longestLine: 4, longestWait: 20 });
    await capacity.take(1);
    const line = Array.from({ length: 4 }, () => capacity.take(1));
    await expect(capacity.take(1)).rejects.toBeInstanceOf(OverloadedError);
    const results = await Promise.allSettled(line);
    expect(results.map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
  });

  it('gives nothing at once that somebody would have to wait for', async () => {
    const capacity = new Capacity({ of, size: 10 });
    const held = capacity.takeNow(6);
    expect(capacity.takeNow(5)).toBeUndefined();
    const waiting = capacity.take(8);
    // There is room for it, and somebody was before.
    expect(capacity.takeNow(1)).toBeUndefined();
    held?.release();
    await waiting;
    expect(capacity.takeNow(2)).toBeDefined();
    expect(capacity.taken).toBe(10);
  });

  it('refuses at once what it never has', async () => {
    await expect(new Capacity({ of, size: 1 }).take(2)).rejects.toBeInstanceOf(RangeError);
  });
});
