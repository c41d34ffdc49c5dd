import { base32Encode } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { sectionBounds, sectionNames } from './sections.js';

describe('sections', () => {
  it('are all beginnings of a storage index, and together all of them', () => {
    expect(new Set(sectionNames).size).toBe(1024);
    let next = 0n;
    for (const name of sectionNames) {
      const { first, last } = sectionBounds(name);
      const number = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
      expect(base32Encode(first).slice(0, 2)).toBe(name);
      expect(base32Encode(last).slice(0, 2)).toBe(name);
      expect(number(first)).toBe(next);
      next = number(last) + 1n;
    }
    expect(next).toBe(2n ** 128n);
  });
});
