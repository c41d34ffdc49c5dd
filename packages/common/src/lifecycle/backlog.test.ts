import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { Backlog } from './backlog.js';

describe('a backlog', () => {
  let done: (number | string)[];
  let errors: string[];
  let backlog: Backlog<{ item: number }>;
  beforeEach(() => {
    done = [];
    errors = [];
    backlog = new Backlog({
      work: ({ item }) => {
        const until = performance.now() + 6;
        while (performance.now() < until);
        if (item < 0) throw new Error(`no ${item}`);
        done.push(item);
      },
      onError: ({ message }) => errors.push(message),
      sizeOf: () => 10,
      most: 60,
    });
  });
  const add = (...items: number[]) => items.map((item) => backlog.add({ item }));
  const until = async (count: number) => {
    while (done.filter((each) => each !== 'another').length < count) await nextTurn();
  };

  it('is worked through in order, and lets others have their turn before it and meanwhile', async () => {
    add(1, 2, 3, 4, 5);
    expect(done).toEqual([]);
    setImmediate(() => setImmediate(() => done.push('another')));
    await until(5);
    expect(done.filter((each) => each !== 'another')).toEqual([1, 2, 3, 4, 5]);
    expect(done.indexOf('another')).toBeGreaterThan(-1);
    expect(done.indexOf('another')).toBeLessThan(done.indexOf(5));
    add(6);
    await until(6);
  });

  it('takes no more than it has room for, and more when there is room', async () => {
    expect(add(1, 2, 3, 4, 5, 6, 7)).toEqual([true, true, true, true, true, true, false]);
    await until(6);
    expect(add(8)).toEqual([true]);
    await until(7);
    expect(done).toEqual([1, 2, 3, 4, 5, 6, 8]);
  });

  it('goes on after one that cannot be handled, and tells of it', async () => {
    add(1, -2, 3);
    await until(2);
    expect(done).toEqual([1, 3]);
    expect(errors).toEqual(['no -2']);
    add(-4);
    while (errors.length < 2) await nextTurn();
    add(5);
    await until(3);
    expect(done).toEqual([1, 3, 5]);
  });

  it('is dropped where nobody wants it any more', async () => {
    add(1, 2, 3);
    backlog.clear();
    add(4);
    await until(1);
    await nextTurn();
    expect(done).toEqual([4]);
  });
});
