import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRange } from './range.js';

describe('parseRange', () => {
  // Seen from the running peer with a file of 100,000 bytes.
  it.each([
    ['bytes=0-9', 0, 10],
    ['bytes=10-19', 10, 20],
    ['bytes=-10', 99_990, 100_000],
    ['bytes=99990-', 99_990, 100_000],
    ['bytes=99990-200000', 99_990, 100_000],
    ['bytes=0-0,5-6', 0, 1],
    ['bytes=-200000', 0, 100_000],
    ['bytes=0 - 9', 0, 10],
    ['bytes=0-99999', 0, 100_000],
  ])('gives %s as %d up to %d', (header, start, end) => {
    expect(parseRange(header, 100_000)).toEqual({ start, end });
  });

  it.each([
    undefined,
    '',
    'bytes=5-2',
    'bytes=a-b',
    'bytes=-',
    'items=0-1',
    'bytes = 0-9',
    'bytes=1',
    'bytes=0-9x',
  ])('gives the whole file for %s', (header) => {
    expect(parseRange(header, 100_000)).toBe('whole');
  });

  it.each(['bytes=200000-200001', 'bytes=100000-', 'bytes=-0'])('cannot give %s', (header) => {
    expect(parseRange(header, 100_000)).toBe('unsatisfiable');
  });

  it('can give no range of an empty file', () => {
    expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable');
    expect(parseRange('bytes=-5', 0)).toBe('unsatisfiable');
  });

  it('never gives bytes that are not there', () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.option(fc.nat(), { nil: '' }), fc.option(fc.nat(), { nil: '' }), fc.nat(1_000)),
        ([first, last, size]) => {
          const range = parseRange(`bytes=${first}-${last}`, size);
          if (typeof range === 'string') return;
          expect(range.start).toBeGreaterThanOrEqual(0);
          expect(range.end).toBeGreaterThan(range.start);
          expect(range.end).toBeLessThanOrEqual(size);
        },
      ),
    );
  });
});
