import { describe, expect, it } from 'vitest';
import { canWaitForServers } from './patience.js';

/** Shares 0, 1, 2, … of which each server has so many. */
const held = (...counts: number[]) =>
  counts
    .flatMap((count, server) => Array.from({ length: count }, () => `s${server}`))
    .map((serverId, shareNumber) => ({ shareNumber, serverId }));
const each = (count: number) => held(...Array.from({ length: count }, () => 1));

describe('the repair of a file of 3-of-10', () => {
  const canWait = (staying: ReturnType<typeof held>, leaving: ReturnType<typeof held> = []) =>
    canWaitForServers({ needed: 3, expected: 10, staying, leaving });

  it('can wait for servers while half of its spare shares can be read', () => {
    expect([9, 8, 7].map((count) => canWait(each(count)))).toEqual([true, true, true]);
    expect(canWait(held(2, 2, 2, 2))).toBe(true);
  });

  it('cannot when fewer can', () => {
    expect([6, 4, 3, 2].map((count) => canWait(each(count)))).toEqual([false, false, false, false]);
  });

  it('cannot where the loss of one server would lose the file, however many shares there are', () => {
    expect(canWait(held(9))).toBe(false);
    expect(canWait(held(7, 2))).toBe(false);
    expect(canWait(held(6, 3))).toBe(true);
  });

  it('cannot for shares on servers that are leaving', () => {
    expect(canWait([], each(9))).toBe(false);
    expect(canWait(each(9).slice(0, 6), each(9).slice(6))).toBe(false);
    expect(canWait(each(9).slice(0, 7), each(9).slice(7))).toBe(true);
  });

  it('need not where nothing is missing that a server could bring back', () => {
    expect(canWait(each(10))).toBe(false);
    expect(canWait(each(8), each(10).slice(8))).toBe(false);
  });
});

it('a file without spare shares waits for its servers never', () => {
  expect(canWaitForServers({ needed: 1, expected: 2, staying: held(1), leaving: [] })).toBe(false);
});
