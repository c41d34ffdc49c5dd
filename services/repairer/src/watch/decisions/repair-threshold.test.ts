import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileHealth } from './file-health.js';
import { isRepairWorthwhile, usualThreshold } from './repair-threshold.js';

const threshold = usualThreshold(7);
const manyServers = 1000;

/** A file of 3-of-10 with so many shares, each on a server of its own where nothing else is said. */
const file = (shares: number, servers = shares): FileHealth => ({
  needed: 3,
  expected: 10,
  readable: shares,
  lasting: shares,
  servers,
});

const anyFile = fc
  .integer({ min: 1, max: 256 })
  .chain((expected) =>
    fc.record({
      expected: fc.constant(expected),
      needed: fc.integer({ min: 1, max: expected }),
      lasting: fc.nat(expected),
      servers: fc.nat(expected),
    }),
  )
  .map((fields) => ({
    ...fields,
    readable: fields.lasting,
    servers: Math.min(fields.servers, fields.lasting),
  }));
const anyThreshold = fc.record({ servers: fc.nat(20), missingShares: fc.nat(20) });

describe('repair is worthwhile', () => {
  it('not for one or two shares of ten', () => {
    for (const shares of [10, 9, 8])
      expect(isRepairWorthwhile(file(shares), threshold, manyServers)).toBe(false);
  });

  it('for fewer than n - 2 shares', () => {
    expect(isRepairWorthwhile(file(7), threshold, manyServers)).toBe(true);
  });

  it('for fewer than happy + 1 servers, though every share is there', () => {
    expect(isRepairWorthwhile(file(10, 8), threshold, manyServers)).toBe(false);
    expect(isRepairWorthwhile(file(10, 7), threshold, manyServers)).toBe(true);
  });

  it('not for more servers than the grid has', () => {
    expect(isRepairWorthwhile(file(10, 5), threshold, 5)).toBe(false);
    expect(isRepairWorthwhile(file(10, 4), threshold, 5)).toBe(true);
  });

  it('not for shares that can be read but do not stay', () => {
    expect(isRepairWorthwhile({ ...file(7), readable: 10 }, threshold, manyServers)).toBe(true);
    expect(isRepairWorthwhile({ ...file(10), readable: 7 }, threshold, manyServers)).toBe(false);
  });

  it('whenever the next loss is the last, however many shares may be missing', () => {
    const careless = { servers: 0, missingShares: 250 };
    expect(isRepairWorthwhile(file(3), careless, manyServers)).toBe(true);
    expect(isRepairWorthwhile(file(4), careless, manyServers)).toBe(false);
  });

  it('never for a file that has all there can be', () => {
    fc.assert(
      fc.property(anyFile, anyThreshold, fc.nat(300), (any, limits, usable) => {
        const whole = { ...any, readable: any.expected, lasting: any.expected };
        const servers = Math.min(any.expected, usable);
        expect(isRepairWorthwhile({ ...whole, servers }, limits, usable)).toBe(false);
      }),
    );
  });

  it('of a file that has less wherever it is of one that has more', () => {
    fc.assert(
      fc.property(anyFile, anyThreshold, fc.nat(300), fc.nat(10), (less, limits, usable, by) => {
        const lasting = Math.min(less.expected, less.lasting + by);
        const more = { ...less, lasting, servers: Math.min(lasting, less.servers + by) };
        if (isRepairWorthwhile(more, limits, usable))
          expect(isRepairWorthwhile(less, limits, usable)).toBe(true);
      }),
    );
  });
});
