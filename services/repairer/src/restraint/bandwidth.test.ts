import { describe, expect, it } from 'vitest';
import { Bandwidth } from './bandwidth.js';

describe('a limit of bandwidth', () => {
  it('lets the bytes of a second pass at once, and then so many a second', () => {
    let now = 0;
    const bandwidth = new Bandwidth(1_000, () => now);
    expect(bandwidth.take(1_000)).toBe(0);
    expect(bandwidth.take(500)).toBe(500);
    expect(bandwidth.take(500)).toBe(1_000);
    now = 1_000;
    expect(bandwidth.take(0)).toBe(0);
    expect(bandwidth.take(250)).toBe(250);
  });

  it('saves nothing up over a long rest', () => {
    let now = 0;
    const bandwidth = new Bandwidth(1_000, () => now);
    now = 3_600_000;
    expect(bandwidth.take(1_000)).toBe(0);
    expect(bandwidth.take(100)).toBe(100);
  });

  it('keeps nobody waiting who does not want to any more', async () => {
    const bandwidth = new Bandwidth(1);
    const ending = new AbortController();
    const waiting = bandwidth.pace(1_000_000, ending.signal);
    ending.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow();
  });
});
