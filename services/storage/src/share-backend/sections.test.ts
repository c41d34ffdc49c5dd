import { base32Encode } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { sectionBounds, sectionNames } from './sections.js';

describe('sections', () => {
  it('are named for the first ten bits of the storage indexes in them', () => {
    expect(sectionNames).toHaveLength(1024);
    for (const [section, name] of sectionNames.entries()) {
      const storageIndex = Buffer.alloc(16);
      storageIndex.writeUInt16BE(section << 6);
      expect(base32Encode(storageIndex).slice(0, 2)).toBe(name);
    }
  });

  it('have all storage indexes from their first to their last, and follow one upon the other', () => {
    let next = 0n;
    for (const [section, name] of sectionNames.entries()) {
      const { first, last } = sectionBounds(section);
      expect([first, last].map((storageIndex) => base32Encode(storageIndex).slice(0, 2))).toEqual([
        name,
        name,
      ]);
      expect(BigInt(`0x${Buffer.from(first).toString('hex')}`)).toBe(next);
      next = BigInt(`0x${Buffer.from(last).toString('hex')}`) + 1n;
    }
    expect(next).toBe(2n ** 128n);
  });
});
