import { base32Encode } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { sectionNames } from './sections.js';

describe('sections', () => {
  it('are named for the first ten bits of the storage indexes in them', () => {
    expect(sectionNames).toHaveLength(1024);
    for (const [section, name] of sectionNames.entries()) {
      const storageIndex = Buffer.alloc(16);
      storageIndex.writeUInt16BE(section << 6);
      expect(base32Encode(storageIndex).slice(0, 2)).toBe(name);
    }
  });
});
