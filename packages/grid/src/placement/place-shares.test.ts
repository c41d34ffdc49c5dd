import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serversOfHappiness } from './happiness.js';
import { type Candidate, placeShares } from './place-shares.js';

const server = (id: string, holds: number[] = [], writable = true): Candidate => ({
  id,
  holds: new Set(holds),
  writable,
});

describe('placing shares', () => {
  it('gives each of ten servers one of ten shares', () => {
    const servers = Array.from({ length: 10 }, (_, index) => server(`s${index}`));
    const { existing, uploads } = placeShares(servers, 10);
    expect(existing.size).toBe(0);
    expect(new Set(uploads.values()).size).toBe(10);
  });

  it('spreads ten shares evenly over five servers', () => {
    const servers = Array.from({ length: 5 }, (_, index) => server(`s${index}`));
    const { uploads } = placeShares(servers, 10);
    for (const { id } of servers) expect([...uploads.values()].filter((each) => each === id)).toHaveLength(2);
  });

  it('uploads nothing that is well placed already', () => {
    const servers = Array.from({ length: 5 }, (_, index) => server(`s${index}`, [index, index + 5]));
    const { existing, uploads } = placeShares(servers, 10);
    expect(existing.size).toBe(10);
    expect(uploads.size).toBe(0);
  });

  it('spreads shares that are piled on one server over the others', () => {
    const { existing, uploads } = placeShares([server('a', [0, 1, 2, 3]), server('b'), server('c')], 4);
    expect([...existing.values()].filter((each) => each === 'a').length).toBeGreaterThan(0);
    expect(new Set(uploads.values())).toEqual(new Set(['b', 'c']));
  });

  it('counts what read-only servers hold and puts nothing there', () => {
    const { existing, uploads } = placeShares([server('old', [0], false), server('new')], 3);
    expect(existing.get(0)).toBe('old');
    expect([...uploads.entries()]).toEqual([
      [1, 'new'],
      [2, 'new'],
    ]);
  });

  it('gives the servers that have none those shares first that nobody holds', () => {
    const { existing, uploads } = placeShares([server('a', [0, 1]), server('b', [2, 3]), server('c')], 5);
    expect([...uploads]).toEqual([[4, 'c']]);
    expect(existing.size).toBe(4);
  });

  it('puts no share where one of its number is that cannot be replaced, and finds a place for each all the same', () => {
    const refusing = { ...server('a'), refuses: new Set([0]) };
    expect([...placeShares([refusing, server('b')], 2).uploads].sort()).toEqual([
      [0, 'b'],
      [1, 'a'],
    ]);
    expect([...placeShares([refusing], 2).uploads]).toEqual([[1, 'a']]);
  });

  it('places nothing where nothing is writable', () => {
    expect(placeShares([server('old', [], false)], 2)).toEqual({ existing: new Map(), uploads: new Map() });
  });

  it('places every share once and reaches every writable server it can', () => {
    const candidates = fc.array(fc.record({ writable: fc.boolean(), holds: fc.uniqueArray(fc.nat(11)) }), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(candidates, fc.integer({ min: 1, max: 12 }), (servers, total) => {
        const named = servers.map(({ holds, writable }, index) => server(`s${index}`, holds, writable));
        const { existing, uploads } = placeShares(named, total);
        for (const share of uploads.keys()) expect(existing.has(share)).toBe(false);
        for (const [share, id] of existing)
          expect(named.find((each) => each.id === id)?.holds.has(share)).toBe(true);
        for (const id of uploads.values()) expect(named.find((each) => each.id === id)?.writable).toBe(true);
        const writable = named.filter((each) => each.writable).length;
        if (writable > 0) expect(existing.size + uploads.size).toBe(total);
        const shares = new Map([...existing, ...uploads].map(([share, id]) => [share, new Set([id])]));
        expect(serversOfHappiness(shares)).toBeGreaterThanOrEqual(Math.min(total, writable));
      }),
    );
  });
});
