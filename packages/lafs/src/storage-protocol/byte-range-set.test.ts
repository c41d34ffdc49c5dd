import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteRangeSet } from './index.js';

const length = 64;
const range = fc
  .tuple(fc.nat(length), fc.nat(length))
  .map(([a, b]) => ({ begin: Math.min(a, b), end: Math.max(a, b) }));

/** The same set in the plainest way. */
function bytesOf(ranges: readonly { begin: number; end: number }[]): boolean[] {
  const bytes = Array<boolean>(length).fill(false);
  for (const { begin, end } of ranges) bytes.fill(true, begin, end);
  return bytes;
}

describe('ByteRangeSet', () => {
  it('holds the union of what was added, whatever overlaps, touches or repeats', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 20 }), range, (added, asked) => {
        const set = new ByteRangeSet();
        for (const each of added) set.add(each);
        const expected = bytesOf(added);
        expect(set.size).toBe(expected.filter(Boolean).length);
        expect(bytesOf(set.within({ begin: 0, end: length }))).toEqual(expected);

        const inside = bytesOf([asked]);
        expect(bytesOf(set.within(asked))).toEqual(expected.map((there, at) => there && inside[at] === true));
        expect(bytesOf(set.missing(asked))).toEqual(
          expected.map((there, at) => !there && inside[at] === true),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('keeps as few ranges as there are gaps between them', () => {
    const set = new ByteRangeSet();
    for (const begin of [0, 20, 10, 30]) set.add({ begin, end: begin + 10 });
    set.add({ begin: 50, end: 60 });
    expect(set.fragments).toBe(2);
    expect(set.missing({ begin: 0, end: 70 })).toEqual([
      { begin: 40, end: 50 },
      { begin: 60, end: 70 },
    ]);
  });
});
