import { describe, expect, test } from 'vitest';
import { stream } from '../testing/fixtures.js';
import { PackedHashes } from './packed-hashes.js';

describe('packed hashes', () => {
  test('are found again by their numbers, and no other is', () => {
    const hashes = new PackedHashes();
    const numbers = [0, 1, 127, 128, 129, 5_000, 2 ** 31 + 7];
    for (const number of numbers) hashes.set(number, stream(`hash ${number}`, 32));
    for (const number of numbers) {
      expect(Buffer.from(hashes.get(number)!).equals(stream(`hash ${number}`, 32))).toBe(true);
    }
    for (const number of [2, 126, 130, 4_999, 5_001]) {
      expect(hashes.has(number)).toBe(false);
      expect(hashes.get(number)).toBeUndefined();
    }
  });

  test('take 32 bytes each, and no more room than that by much', () => {
    const hashes = new PackedHashes();
    const hash = stream('hash', 32);
    const count = 200_000;
    const before = process.memoryUsage();
    for (let number = 0; number < count; number++) hashes.set(number, hash);
    const after = process.memoryUsage();
    const taken = after.arrayBuffers - before.arrayBuffers;
    expect(taken).toBeGreaterThanOrEqual(32 * count);
    expect(taken).toBeLessThan(36 * count);
  });
});
