import { describe, expect, it } from 'vitest';
import { RiskQueue } from './risk-queue.js';

describe('the queue by risk', () => {
  it('gives files with the fewest spare shares first, and of these the first that came', () => {
    const queue = new RiskQueue(7);
    for (const [file, spare] of [
      [1, 4],
      [2, 0],
      [3, 4],
      [4, -2],
    ] as const)
      queue.add(file, spare);
    expect(queue.length).toBe(4);
    expect(Array.from({ length: 5 }, () => queue.take())).toEqual([2, 4, 1, 3, undefined]);
    expect(queue.length).toBe(0);
  });

  it('keeps its order through very many', () => {
    const queue = new RiskQueue(7);
    const files = Array.from({ length: 50_000 }, (_, file) => file);
    for (const file of files) queue.add(file, 3);
    expect(files.map(() => queue.take())).toEqual(files);
    expect(queue.take()).toBeUndefined();
  });
});
