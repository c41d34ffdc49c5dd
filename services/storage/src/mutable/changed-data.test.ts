import type { ShareChange } from '@holdfast/lafs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedData } from './changed-data.js';
import { holds, planChange, type ReadableShare } from './plan-change.js';

function readable(data: Uint8Array): ReadableShare {
  return {
    size: data.length,
    read: async ({ begin, end }) => {
      expect(end).toBeLessThanOrEqual(data.length);
      return data.subarray(begin, end);
    },
  };
}

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((each) => Uint8Array.from(each));
const change: fc.Arbitrary<ShareChange> = fc.record({
  test: fc.constant([]),
  write: fc.array(fc.record({ offset: fc.nat(60), data: bytes(40) }), { maxLength: 6 }),
  newLength: fc.option(fc.nat(90)),
});

/** The same in the plainest way: a byte at a time. */
function plainly(before: Uint8Array | undefined, { write, newLength }: ShareChange): number[] | undefined {
  const data = [...(before ?? [])];
  for (const { offset, data: written } of write) {
    for (const [index, byte] of written.entries()) {
      while (data.length < offset + index) data.push(0);
      data[offset + index] = byte;
    }
  }
  return newLength === 0 ? undefined : data.slice(0, newLength ?? data.length);
}

async function done(
  before: Uint8Array | undefined,
  wanted: ShareChange,
  window: number,
): Promise<number[] | undefined> {
  const plan = planChange(before?.length, wanted);
  if (plan.outcome === 'removed') return undefined;
  if (plan.outcome === 'unchanged') return before && [...before];
  const pieces: Uint8Array[] = [];
  for await (const piece of changedData(before && readable(before), plan.size, plan.writes, window)) {
    expect(piece.length).toBeLessThanOrEqual(window);
    pieces.push(piece);
  }
  return [...Buffer.concat(pieces)];
}

describe('the data of a share after a change', () => {
  it('is what the writes, one after the other, and then the new length make of it, whatever the window', () =>
    fc.assert(
      fc.asyncProperty(
        fc.option(bytes(80), { nil: undefined }),
        change,
        fc.integer({ min: 1, max: 100 }),
        async (before, wanted, window) => {
          expect(await done(before, wanted, window)).toEqual(plainly(before, wanted));
        },
      ),
      { numRuns: 1_000 },
    ));

  it('is unchanged without a write that changes it, and without a new length that cuts it', () => {
    const nothing = { test: [], write: [{ offset: 50, data: new Uint8Array() }], newLength: null };
    expect(planChange(10, nothing)).toEqual({ outcome: 'unchanged' });
    expect(planChange(10, { ...nothing, newLength: 10 })).toEqual({ outcome: 'unchanged' });
    expect(planChange(10, { ...nothing, newLength: 20 })).toEqual({ outcome: 'unchanged' });
    expect(planChange(undefined, { ...nothing, newLength: 0 })).toEqual({ outcome: 'unchanged' });
    expect(planChange(undefined, nothing)).toEqual({ outcome: 'written', size: 0, writes: [] });
  });
});

describe('a test', () => {
  const share = readable(Buffer.from('hello'));
  it.each([
    ['of what is there', 0, 5, 'hello', true],
    ['of a part', 1, 3, 'ell', true],
    ['of something else', 0, 5, 'jello', false],
    ['that reads past the end', 3, 30, 'lo', true],
    ['that lies past the end', 7, 3, '', true],
    ['whose specimen is longer than what it reads', 0, 3, 'hello', false],
    ['whose specimen is shorter', 0, 5, 'hell', false],
    ['of nothing', 0, 0, '', true],
  ])('%s', async (_, offset, size, specimen, expected) => {
    expect(await holds(share, { offset, size, specimen: Buffer.from(specimen) })).toBe(expected);
  });

  it('of a share that is not there finds it empty', async () => {
    expect(await holds(undefined, { offset: 0, size: 1, specimen: new Uint8Array() })).toBe(true);
    expect(await holds(undefined, { offset: 0, size: 1, specimen: Buffer.from('x') })).toBe(false);
  });

  it('reads no more than the specimen is long', async () => {
    const huge = { size: 2 ** 40, read: () => Promise.reject(new Error('read')) };
    expect(await holds(huge, { offset: 0, size: 2 ** 40, specimen: Buffer.from('x') })).toBe(false);
  });
});
