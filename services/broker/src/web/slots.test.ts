import { describe, expect, it } from 'vitest';
import { Slots } from './slots.js';

const { signal } = new AbortController();

describe('Slots', () => {
  it('admits as many as there is room for, and the next when one leaves', async () => {
    const slots = new Slots({ size: 2 });
    const first = await slots.acquire(signal);
    await slots.acquire(signal);
    let admitted = false;
    const third = slots.acquire(signal).then(() => {
      admitted = true;
    });
    await Promise.resolve();
    expect(admitted).toBe(false);
    first();
    first();
    await third;
    expect(slots.taken).toBe(2);
  });

  it('gives a place back once, however often it is told', async () => {
    const slots = new Slots({ size: 1 });
    const release = await slots.acquire(signal);
    release();
    release();
    expect(slots.taken).toBe(0);
  });

  it('forgets one in line who went away', async () => {
    const slots = new Slots({ size: 1 });
    const release = await slots.acquire(signal);
    const leaving = new AbortController();
    const waiting = slots.acquire(leaving.signal);
    leaving.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    release();
    expect(slots.taken).toBe(0);
  });

  it('lets nobody wait for ever, and no line grow for ever', async () => {
    const slots = new Slots({ size: 1, longestWait: 20 });
    await slots.acquire(signal);
    const line = Array.from({ length: 4 }, () => slots.acquire(signal));
    await expect(slots.acquire(signal)).rejects.toMatchObject({ status: 503 });
    const results = await Promise.allSettled(line);
    expect(results.map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
  });
});
