import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Space } from './space.js';

describe('Space', () => {
  it('promises what is free beyond the reserve, and no byte twice', async () => {
    const space = new Space(async () => 1000, 100);
    expect(await space.available()).toBe(900);
    expect([space.promise(600), space.promise(600), space.promise(300), space.promise(1)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    space.release(300);
    expect(await space.available()).toBe(300);
    // Written bytes are gone from the disk, promised or not.
    space.written(600);
    expect([await space.available(), space.promised]).toEqual([300, 0]);
  });

  it('has nothing to promise where the reserve is larger than the disk', async () => {
    const space = new Space(async () => 50, 100);
    expect([await space.available(), space.promise(1), space.promise(0)]).toEqual([0, false, true]);
  });

  it('comes back to where it began when all uploads have ended', async () => {
    const upload = fc.record({ size: fc.nat(100), written: fc.nat(100), finished: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(upload), async (uploads) => {
        const space = new Space(async () => 100_000, 0);
        await space.available();
        for (const { size, written, finished } of uploads) {
          expect(space.promise(size)).toBe(true);
          const there = finished ? size : Math.min(size, written);
          space.written(there);
          space.release(size - there);
        }
        expect(space.promised).toBe(0);
      }),
    );
  });
});
