import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { stream } from '../testing/fixtures.js';
import { PackedHashes } from './packed-hashes.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of buffers that something still refers to, without those of other tests that are not collected yet. */
function arrayBuffersInUse(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

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
    const before = arrayBuffersInUse();
    for (let number = 0; number < count; number++) hashes.set(number, hash);
    const taken = arrayBuffersInUse() - before;
    expect(hashes.has(count - 1)).toBe(true);
    expect(taken).toBeGreaterThanOrEqual(32 * count);
    expect(taken).toBeLessThan(36 * count);
  });
});
