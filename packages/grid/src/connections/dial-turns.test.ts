import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DialTurns } from './dial-turns.js';

describe('the turns in which servers are dialled', () => {
  let begun: string[];
  let turns: DialTurns;
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
    });
    begun = [];
    turns = new DialTurns({ perSecond: 10, burst: 3 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const wait = (name: string, urgent = false) => turns.wait(() => void begun.push(name), urgent);
  const waitAll = (count: number) => {
    for (let index = 1; index <= count; index++) wait(`s${index}`);
  };

  it('come at once to a few, and to the others so many a second', () => {
    waitAll(30);
    expect(begun).toEqual(['s1', 's2', 's3']);
    vi.advanceTimersByTime(1_000);
    expect(begun).toHaveLength(13);
    vi.advanceTimersByTime(10_000);
    expect(begun).toEqual(Array.from({ length: 30 }, (_, index) => `s${index + 1}`));
    // Nobody was dialled for a while: again a few at once, and no more than these.
    waitAll(30);
    expect(begun).toHaveLength(33);
  });

  it('cost nothing where the server answers', () => {
    waitAll(30);
    for (let answered = 0; answered < 27; answered++) turns.giveBack();
    expect(begun).toHaveLength(30);
  });

  it('come first to those that are urgent', () => {
    waitAll(5);
    wait('urgent', true);
    vi.advanceTimersByTime(100);
    expect(begun).toEqual(['s1', 's2', 's3', 'urgent']);
  });

  it('come to those that are not urgent too, however many are', () => {
    waitAll(5);
    const stop = setInterval(() => wait('urgent', true), 10);
    vi.advanceTimersByTime(1_050);
    clearInterval(stop);
    expect(begun.filter((name) => name !== 'urgent')).toEqual(['s1', 's2', 's3', 's4', 's5']);
    expect(begun.filter((name) => name === 'urgent')).toHaveLength(8);
  });

  it('do not come to one that waits no more', () => {
    waitAll(3);
    const leave = wait('gone');
    wait('s4');
    leave();
    vi.advanceTimersByTime(1_000);
    expect(begun).toEqual(['s1', 's2', 's3', 's4']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
