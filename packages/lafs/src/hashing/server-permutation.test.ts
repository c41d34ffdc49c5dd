import { describe, expect, test } from 'vitest';
import { MalformedBase32Error } from '../base32.js';
import { fromHex, readFixture, toHex } from '../testing/fixtures.js';
import { permutedServerOrder, serverPermutationSeed } from './server-permutation.js';

const recorded = readFixture<{
  servers: string[];
  orders: { storageIndex: string; order: number[] }[];
  seeds: { serverId: string; announced: string | null; seed: string }[];
}>('permutations.json');

test.each(recorded.orders)('order of servers for $storageIndex', ({ storageIndex, order }) => {
  const servers = recorded.servers.map((seed, number) => ({ number, seed: fromHex(seed) }));
  const permuted = permutedServerOrder(fromHex(storageIndex), servers, ({ seed }) => seed);
  expect(permuted.map(({ number }) => number)).toEqual(order);
});

test('servers with the same seed keep their order', () => {
  const order = permutedServerOrder(new Uint8Array(16), ['a', 'b', 'c'], () => new Uint8Array(32));
  expect(order).toEqual(['a', 'b', 'c']);
});

describe('permutation seed', () => {
  test.each(recorded.seeds)('of $serverId announcing $announced', ({ serverId, announced, seed }) => {
    expect(toHex(serverPermutationSeed(serverId, announced ?? undefined))).toBe(seed);
  });

  test('an announced seed must be base32', () => {
    expect(() => serverPermutationSeed('storage-5', 'Not base32')).toThrow(MalformedBase32Error);
  });
});
