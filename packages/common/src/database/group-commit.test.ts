import { describe, expect, it } from 'vitest';
import { GroupCommit } from './group-commit.js';

describe('GroupCommit', () => {
  it('does together what was submitted together, and what came while a batch was under way', async () => {
    const batches: number[][] = [];
    const group = new GroupCommit<number, number>(async (items) => {
      batches.push([...items]);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return items.map((item) => item * 2);
    }, 3);
    const first = [group.submit(1), group.submit(2)];
    await new Promise((resolve) => setImmediate(resolve));
    const later = [3, 4, 5, 6].map((item) => group.submit(item));
    expect(await Promise.all([...first, ...later])).toEqual([2, 4, 6, 8, 10, 12]);
    expect(batches).toEqual([[1, 2], [3, 4, 5], [6]]);
  });

  it('does each of a batch by itself where Postgres refuses them together, and goes on with the next', async () => {
    const batches: number[][] = [];
    const group = new GroupCommit<number, number>(async (items) => {
      batches.push([...items]);
      if (items.includes(2))
        throw Object.assign(new Error('out of range'), { code: '22008', severity: 'ERROR' });
      return items;
    });
    const done = await Promise.allSettled([group.submit(1), group.submit(2), group.submit(3)]);
    expect(done.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await group.submit(4)).toBe(4);
    expect(batches).toEqual([[1, 2, 3], [1], [2], [3], [4]]);
  });

  it.each([
    ['what it needs is away', Object.assign(new Error('shut down'), { code: '57P01', severity: 'FATAL' })],
    ['something else went wrong', new Error('no')],
    ['it was given up', Object.assign(new Error('not just now'), { code: 'database-unavailable' })],
  ])('fails all of a batch together where %s', async (_, error) => {
    let calls = 0;
    const group = new GroupCommit<number, number>(async () => {
      calls++;
      throw error;
    });
    const failed = await Promise.allSettled([group.submit(1), group.submit(2)]);
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(calls).toBe(1);
  });
});
