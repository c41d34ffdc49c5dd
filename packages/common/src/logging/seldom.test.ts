import { describe, expect, it } from 'vitest';
import { Seldom } from './seldom.js';

describe('Seldom', () => {
  it('lets one event of a kind through in ten minutes, and then tells how many there were', () => {
    let now = 0;
    const seldom = new Seldom(() => now);
    expect(seldom.take('forged')).toBe(0);
    expect(seldom.take('stale')).toBe(0);
    for (let event = 0; event < 100; event++) expect(seldom.take('forged')).toBeUndefined();
    now += 600_000;
    expect(seldom.take('forged')).toBe(100);
    now += 600_000;
    expect(seldom.take('forged')).toBe(0);
  });

  it('remembers a limited number of kinds', () => {
    const seldom = new Seldom(() => 0);
    for (let kind = 0; kind < 2_000; kind++) seldom.take(`kind ${kind}`);
    expect(seldom.take('kind 1999')).toBeUndefined();
    expect(seldom.take('kind 0')).toBe(0);
  });
});
