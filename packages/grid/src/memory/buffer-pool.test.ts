import { describe, expect, it } from 'vitest';
import { BufferPool } from './buffer-pool.js';

const kib = 1024;

/** A pool that keeps so many bytes, and how many buffers were made for it. */
function countingPool(most: number) {
  let count = 0;
  const make = (size: number) => {
    count++;
    return new Uint8Array(size);
  };
  return { pool: new BufferPool(make, most), made: () => count };
}

describe('a pool of buffers', () => {
  it('gives a buffer again that was given back, and only one of the same size', () => {
    const { pool } = countingPool(1024 * kib);
    const one = pool.take(64 * kib);
    const two = pool.take(64 * kib);
    expect(two).not.toBe(one);
    pool.give([one]);
    expect(pool.take(65 * kib)).not.toBe(one);
    expect(pool.take(64 * kib)).toBe(one);
    expect(pool.take(64 * kib)).not.toBe(one);
  });

  it('gives what was sent to a server for that server only', () => {
    const { pool } = countingPool(1024 * kib);
    const sent = pool.take(64 * kib, 'a server');
    pool.give([sent], 'a server');
    expect(pool.take(64 * kib)).not.toBe(sent);
    expect(pool.take(64 * kib, 'another')).not.toBe(sent);
    expect(pool.take(64 * kib, 'a server')).toBe(sent);
  });

  it('keeps no more than it may, and nothing that is small', () => {
    const { pool, made } = countingPool(200 * kib);
    pool.give([64, 64, 64, 64].map((size) => new Uint8Array(size * kib)));
    pool.give([new Uint8Array(100)]);
    for (let count = 0; count < 4; count++) pool.take(64 * kib);
    pool.take(100);
    expect(made()).toBe(2);
  });

  it('forgets what it was given first for what is of another size', () => {
    const { pool, made } = countingPool(200 * kib);
    pool.give([40, 64, 64, 100].map((size) => new Uint8Array(size * kib)));
    pool.take(100 * kib);
    expect(made()).toBe(0);
    pool.take(64 * kib);
    expect(made()).toBe(1);
  });

  it('keeps nothing of what it forgot', () => {
    const { pool, made } = countingPool(200 * kib);
    for (const server of ['a', 'b', 'c', 'd']) pool.give([new Uint8Array(64 * kib)], server);
    for (const server of ['a', 'b', 'c', 'd']) pool.take(64 * kib, server);
    expect(made()).toBe(1);
  });
});
