import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { copyBytes } from './copy-bytes.js';

describe('copyBytes', () => {
  it.each([
    ['memory of one thread', (size: number) => new Uint8Array(size)],
    ['memory that threads share', (size: number) => new Uint8Array(new SharedArrayBuffer(size))],
  ])('copies into %s, and changes nothing around', (_, make) => {
    const from = randomBytes(1_003);
    const to = make(1_200);
    to.fill(7);
    copyBytes(from, to, 101);
    expect(Buffer.from(to).subarray(101, 1_104).equals(from)).toBe(true);
    expect(new Set([...to.subarray(0, 101), ...to.subarray(1_104)])).toEqual(new Set([7]));
  });

  it('copies nothing where there is nothing', () => {
    const to = Uint8Array.of(1, 2, 3);
    copyBytes(new Uint8Array(0), to, 3);
    expect([...to]).toEqual([1, 2, 3]);
  });

  it('refuses what has no room', () => {
    expect(() => copyBytes(new Uint8Array(4), new Uint8Array(5), 2)).toThrow(RangeError);
  });
});
