import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serversOfHappiness } from './happiness.js';

const map = (shares: Record<number, string[]>) =>
  new Map(Object.entries(shares).map(([share, servers]) => [Number(share), new Set(servers)]));

describe('servers of happiness', () => {
  it('counts a server once, however many shares it holds', () => {
    expect(serversOfHappiness(map({ 0: ['a'], 1: ['a'], 2: ['a'] }))).toBe(1);
  });

  it('counts a share once, however many servers hold it', () => {
    expect(serversOfHappiness(map({ 0: ['a', 'b', 'c'] }))).toBe(1);
  });

  it('moves earlier pairs aside to make room for more', () => {
    expect(serversOfHappiness(map({ 0: ['a', 'b'], 1: ['a'], 2: ['b', 'c'] }))).toBe(3);
  });

  it('follows a chain of moves', () => {
    expect(serversOfHappiness(map({ 0: ['a', 'b'], 1: ['b', 'c'], 2: ['c', 'd'], 3: ['a'], 4: ['b'] }))).toBe(
      4,
    );
  });

  it('agrees with trying every assignment', () => {
    const servers = ['a', 'b', 'c', 'd'];
    fc.assert(
      fc.property(fc.array(fc.uniqueArray(fc.constantFrom(...servers)), { maxLength: 5 }), (holders) => {
        const best = (share: number, free: Set<string>): number => {
          if (share === holders.length) return 0;
          let most = best(share + 1, free);
          for (const server of holders[share] ?? []) {
            if (!free.has(server)) continue;
            const rest = new Set(free);
            rest.delete(server);
            most = Math.max(most, 1 + best(share + 1, rest));
          }
          return most;
        };
        const shares = new Map(holders.map((each, share) => [share, new Set(each)]));
        expect(serversOfHappiness(shares)).toBe(best(0, new Set(servers)));
      }),
    );
  });
});
