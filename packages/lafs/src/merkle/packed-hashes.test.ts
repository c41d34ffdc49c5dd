import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { stream } from '../testing/fixtures.js';
import { PackedHashes } from './packed-hashes.js';

const built = new URL('../../dist/merkle/packed-hashes.js', import.meta.url);

/**
 * Bytes of buffers that so many hashes take, in a thread of its own: in this one the buffers of other tests are collected
 * whenever it suits the collector.
 */
async function bytesTaken(count: number): Promise<number> {
  const thread = new Worker(
    `const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(built.href)}).then(({ PackedHashes }) => {
      const [hashes, hash] = [new PackedHashes(), new Uint8Array(32)];
      const before = process.memoryUsage().arrayBuffers;
      for (let number = 0; number < ${count}; number++) hashes.set(number, hash);
      const taken = process.memoryUsage().arrayBuffers - before;
      parentPort.postMessage(hashes.has(${count - 1}) ? taken : -1);
    });`,
    { eval: true },
  );
  const [taken] = (await once(thread, 'message')) as [number];
  return taken;
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

  test('take 32 bytes each, and no more room than that by much', async () => {
    const count = 200_000;
    const taken = await bytesTaken(count);
    expect(taken).toBeGreaterThan(31 * count);
    expect(taken).toBeLessThan(36 * count);
  });
});
