import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { joinSignals } from './joined-signal.js';

describe('a joined signal', () => {
  it('aborts with the first of those that it goes by, for its reason', () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const { signal } = joinSignals([one.signal, other.signal]);
    expect(signal.aborted).toBe(false);
    other.abort('enough');
    one.abort('too late');
    expect([signal.aborted, signal.reason]).toEqual([true, 'enough']);
  });

  it('is aborted from the beginning where one of them is', () => {
    const { signal } = joinSignals([new AbortController().signal, AbortSignal.abort('before')]);
    expect([signal.aborted, signal.reason]).toEqual([true, 'before']);
  });

  it('aborts at its deadline', async () => {
    const { signal } = joinSignals([], 5);
    await expect.poll(() => signal.reason?.name).toBe('TimeoutError');
  });

  it('leaves nothing with those that it went by when it is released, and aborts no more', async () => {
    const lasting = new AbortController();
    const { signal, release } = joinSignals([lasting.signal], 5);
    release();
    expect(getEventListeners(lasting.signal, 'abort')).toEqual([]);
    const kept = Object.getOwnPropertySymbols(lasting.signal).map(
      (symbol) => (lasting.signal as unknown as Record<symbol, { size?: number } | undefined>)[symbol],
    );
    expect(kept.map((each) => each?.size ?? 0).filter((size) => size > 0)).toEqual([]);
    lasting.abort();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(signal.aborted).toBe(false);
  });
});
