import { parseNurl } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { deriveCredential, newAccountSecret } from './account-secret.js';
import { grantServers } from './grant.js';

const id = (letter: string) => `v0-${letter.repeat(52)}`;
const server = (letter: string, locations: { host: string; port: number }[]) => ({
  key: 1,
  serverId: id(letter),
  description: {
    nickname: `server-${letter}`,
    locations,
    tub_id: new Uint8Array(20),
    spki_hash: new Uint8Array(32).fill(7),
    permutation_seed: letter.repeat(52),
    certificates: [],
  },
});

describe('what a customer is given', () => {
  const secret = newAccountSecret();

  it('has every location of a server, with the credential that the server knows the account by', () => {
    const locations = [
      { host: 'storage.example', port: 7201 },
      { host: '::1', port: 7202 },
    ];
    const { granted } = grantServers(secret, [server('a', locations)]);
    const nurls = granted[0]?.body['anonymous-storage-NURLs'].map(parseNurl);
    expect(nurls).toMatchObject(
      locations.map((location) => ({
        ...location,
        swissnum: deriveCredential(secret, id('a')),
        spkiHash: new Uint8Array(32).fill(7),
      })),
    );
    expect(granted[0]).toMatchObject({
      serverId: id('a'),
      body: { nickname: 'server-a', 'permutation-seed-base32': 'a'.repeat(52) },
    });
  });

  it('leaves out servers that nobody could reach, and names them', () => {
    const silent = { key: 2, serverId: id('b'), description: undefined };
    const { granted, leftOut } = grantServers(secret, [
      silent,
      server('c', []),
      server('d', [{ host: 'd.example', port: 1 }]),
    ]);
    expect(granted.map(({ serverId }) => serverId)).toEqual([id('d')]);
    expect(leftOut).toEqual([id('b'), 'server-c']);
  });
});
