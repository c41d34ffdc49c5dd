import { describe, expect, it } from 'vitest';
import { askedFirst } from './share-finder.js';

describe('how many servers are asked first', () => {
  const usual = { required: 3, total: 10 };

  it.each([
    ['each has one share', usual, 10, 4],
    ['each has two', usual, 5, 2],
    ['there are more servers than shares', usual, 200, 4],
    ['one has them all', usual, 1, 1],
    ['some have one share more than others', usual, 4, 2],
    ['the file is a single share', { required: 1, total: 1 }, 5, 2],
  ])('of a small file, where %s', (_, capability, servers, expected) => {
    expect(askedFirst(capability, servers, true)).toBe(expected);
  });

  it('of a large file is one more than it needs shares, as each is read from a server of its own', () => {
    expect(askedFirst(usual, 5, false)).toBe(4);
  });

  it('is some, where no server is connected', () => {
    expect(askedFirst(usual, 0, true)).toBe(1);
  });
});
