import { createHash, hash } from 'node:crypto';
import { base32Decode } from '../base32.js';

/**
 * All servers in the order in which a client asks them about one file: ascending by
 * SHA1(storage index + permutation seed of the server) (specifications/outline.rst, section #3, "permuted
 * server list"). Servers with the same seed keep their order.
 *
 * @param storageIndex 16 bytes
 */
export function permutedServerOrder<T>(
  storageIndex: Uint8Array,
  servers: Iterable<T>,
  seedOf: (server: T) => Uint8Array,
): T[] {
  return Array.from(servers, (server) => ({
    server,
    // In one call, and as text: a third of the time that it takes with a Hash and bytes, where servers are thousands.
    place: hash('sha1', Buffer.concat([storageIndex, seedOf(server)]), 'hex'),
  }))
    .sort((a, b) => (a.place < b.place ? -1 : a.place > b.place ? 1 : 0))
    .map(({ server }) => server);
}

/**
 * The permutation seed of a server: what it announces as `permutation-seed-base32`; without one the 32 bytes
 * of its public key, if its id is `v0-` and 52 base32 characters; else the SHA-256 of its id.
 *
 * @throws MalformedBase32Error if the announced seed is not base32
 */
export function serverPermutationSeed(serverId: string, announcedSeed?: string): Uint8Array {
  if (announcedSeed !== undefined) return base32Decode(announcedSeed);
  if (/^v0-[a-z2-7]{51}[aq]$/.test(serverId)) return base32Decode(serverId.slice(3));
  return createHash('sha256').update(serverId, 'utf8').digest();
}
