import { describe, expect, it } from 'vitest';
import { describeBytes } from './describe-bytes.js';

describe('a number of bytes for people', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [12_000_000, '12 MB'],
    [95_249_000_000, '95.2 GB'],
    [100_000_000_000, '100 GB'],
    [999_600_000, '1 GB'],
    [2 ** 53, '9.01 PB'],
  ])('%i is %s', (bytes, text) => {
    expect(describeBytes(bytes)).toBe(text);
  });
});
