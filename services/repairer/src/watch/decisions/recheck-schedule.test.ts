import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileHealth } from './file-health.js';
import { recheckInterval, timeToNextCheck, timeToSpreadCheck } from './recheck-schedule.js';

const day = 86_400_000;
const period = 30 * day;
const readable = (shares: number): FileHealth => ({
  needed: 3,
  expected: 10,
  readable: shares,
  lasting: shares,
  servers: shares,
});
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the recheck of a file', () => {
  it('comes after the whole period where nothing is missing', () => {
    expect(recheckInterval(readable(10), period)).toBe(period);
  });

  it('comes the sooner the fewer spare shares there are', () => {
    for (let shares = 4; shares <= 10; shares++)
      expect(recheckInterval(readable(shares - 1), period)).toBeLessThan(
        recheckInterval(readable(shares), period),
      );
  });

  it('comes soonest, and not at once, where the file cannot be read', () => {
    for (const shares of [0, 1, 2, 3]) expect(recheckInterval(readable(shares), period)).toBe(period / 8);
  });

  it('comes at a time, whatever numbers a file has', () => {
    const anyFile = fc.integer({ min: 1, max: 256 }).chain((expected) =>
      fc.record({
        expected: fc.constant(expected),
        needed: fc.integer({ min: 1, max: expected }),
        readable: fc.nat(expected),
        lasting: fc.nat(expected),
        servers: fc.nat(expected),
      }),
    );
    fc.assert(
      fc.property(anyFile, chance, (file, at) => {
        for (const time of [timeToNextCheck(file, period, at), timeToSpreadCheck(file, period, at)]) {
          expect(time).toBeGreaterThan(0);
          expect(time).toBeLessThanOrEqual(period * 1.05);
        }
      }),
    );
  });

  it('is spread evenly over the period after all files were checked at once', () => {
    const files = 30_000;
    const days = new Uint32Array(30);
    for (let file = 0; file < files; file++) {
      // Evenly spaced numbers stand for chance, so that this cannot fail by chance.
      const first = timeToSpreadCheck(readable(10), period, file / files);
      const second = first + timeToNextCheck(readable(10), period, (file * 0.618034) % 1);
      const at = Math.floor(second / day) % 30;
      days[at] = (days[at] ?? 0) + 1;
    }
    for (const checks of days) {
      expect(checks).toBeGreaterThan(0.9 * (files / 30));
      expect(checks).toBeLessThan(1.1 * (files / 30));
    }
  });
});
