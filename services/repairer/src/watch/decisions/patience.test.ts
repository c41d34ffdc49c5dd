import { describe, expect, it } from 'vitest';
import { canWaitForServers } from './patience.js';

describe('the repair of a file of 3-of-10', () => {
  const canWait = (readable: number) => canWaitForServers({ needed: 3, expected: 10, readable });

  it('can wait for servers while half of its spare shares can be read', () => {
    expect([9, 8, 7].map(canWait)).toEqual([true, true, true]);
  });

  it('cannot when fewer can', () => {
    expect([6, 4, 3, 2].map(canWait)).toEqual([false, false, false, false]);
  });

  it('need not where nothing is missing that a server could bring back', () => {
    expect(canWait(10)).toBe(false);
  });
});

it('a file without spare shares waits for its servers never', () => {
  expect(canWaitForServers({ needed: 1, expected: 2, readable: 1 })).toBe(false);
});
