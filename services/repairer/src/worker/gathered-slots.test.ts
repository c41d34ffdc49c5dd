import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { GatheredSlots } from './gathered-slots.js';

describe('slots of a worker', () => {
  /** Slots that wait, by their names, and those that have begun. */
  function waiting(enough: number, working: () => number, longestWait = 60_000) {
    const slots = new GatheredSlots(enough, working, longestWait);
    const begun: string[] = [];
    return { begun, wait: (name: string) => slots.together().then(() => begun.push(name)) };
  }

  it('begin together when enough of them wait', async () => {
    const { wait, begun } = waiting(3, () => 5);
    const all = [wait('a'), wait('b')];
    await turn();
    expect(begun).toEqual([]);
    await Promise.all([...all, wait('c')]);
    expect(begun).toEqual(['a', 'b', 'c']);
  });

  it('wait for nobody where none is at work, as for whoever has begun', async () => {
    let working = 1;
    const { wait, begun } = waiting(3, () => working);
    const first = wait('a');
    await turn();
    expect(begun).toEqual([]);
    working = 0;
    await Promise.all([first, wait('b')]);
    expect(begun).toEqual(['a', 'b']);
    await wait('c');
    expect(begun).toEqual(['a', 'b', 'c']);
  });

  it('do not wait for long for a job that takes long, and then wait anew', async () => {
    const { wait, begun } = waiting(3, () => 1, 10);
    await wait('a');
    expect(begun).toEqual(['a']);
    await wait('b');
    expect(begun).toEqual(['a', 'b']);
  });
});
