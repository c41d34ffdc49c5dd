import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FoundShare } from './found-share.js';
import { RestingShares } from './resting-shares.js';

const [one, other] = [{ shareNumber: 1 }, { shareNumber: 2 }] as [FoundShare, FoundShare];

describe('shares whose servers could not be reached', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('rest longer each time, and are given up when they were lost too often', () => {
    const resting = new RestingShares();
    for (const rest of [1_000, 2_000, 4_000, 8_000, 8_000]) {
      expect(resting.add(one)).toBe(true);
      vi.advanceTimersByTime(rest - 1);
      expect(resting.takeRested()).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(resting.takeRested()).toEqual([one]);
      expect(resting.takeRested()).toEqual([]);
    }
    expect(resting.add(one)).toBe(false);
    expect(resting.add(other)).toBe(true);
  });

  it('are known to have been lost also when they rest no longer', () => {
    const resting = new RestingShares();
    expect(resting.any).toBe(false);
    resting.add(one);
    vi.advanceTimersByTime(1_000);
    resting.takeRested();
    expect(resting.any).toBe(true);
  });

  it('are waited for no longer than until the signal aborts, and not at all where none rests', async () => {
    const resting = new RestingShares();
    const ending = new AbortController();
    expect(resting.next(ending.signal)).toBeUndefined();
    resting.add(one);
    const next = resting.next(ending.signal);
    ending.abort();
    await next;
  });
});
