import { describe, expect, it } from 'vitest';
import { QuickCalls } from './quick-calls.js';

/** Calls that take as long as they are told, by a clock of their own. */
class TimedCalls {
  now = 0;
  readonly calls = new QuickCalls(() => this.now);

  /** Which way a call that takes so many milliseconds is done. */
  way(takes: number): Promise<'at once' | 'by a thread'> {
    return this.calls.do(
      () => {
        this.now += takes;
        return 'at once' as const;
      },
      async () => 'by a thread' as const,
    );
  }
}

describe('small calls', () => {
  it('are done at once while they are quick', async () => {
    const timed = new TimedCalls();
    for (const takes of [0.01, 0.3, 5]) expect(await timed.way(takes)).toBe('at once');
    expect(await timed.way(0.01)).toBe('at once');
  });

  it('are left to threads for a while after one was slow', async () => {
    const timed = new TimedCalls();
    expect(await timed.way(8)).toBe('at once');
    for (const passes of [0, 100, 399]) {
      timed.now += passes;
      expect(await timed.way(0.01)).toBe('by a thread');
    }
    timed.now += 1;
    expect(await timed.way(0.01)).toBe('at once');
  });

  it('are left to threads for longer, the longer one took', async () => {
    const timed = new TimedCalls();
    expect(await timed.way(2_000)).toBe('at once');
    timed.now += 99_999;
    expect(await timed.way(0.01)).toBe('by a thread');
    timed.now += 1;
    expect(await timed.way(0.01)).toBe('at once');
  });

  it('count when they fail, too', async () => {
    const timed = new TimedCalls();
    const failing = timed.calls.do(
      () => {
        timed.now += 20;
        throw new Error('the disk is gone');
      },
      async () => undefined,
    );
    await expect(failing).rejects.toThrow('the disk is gone');
    expect(await timed.way(0.01)).toBe('by a thread');
  });
});
