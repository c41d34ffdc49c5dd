import type { CheckResults } from '@holdfast/grid';
import { describe, expect, it } from 'vitest';
import type { ServerState } from './decisions/index.js';
import { isPutOff } from './put-off.js';
import { RecordedServers } from './recorded-servers.js';

/** A check of a file of 2-of-6, with two shares on each of three servers, of which `c` did not answer. */
const found: CheckResults = {
  storageIndex: new Uint8Array(16),
  capability: undefined,
  authenticated: true,
  proven: true,
  wrongCapability: false,
  verified: false,
  needed: 2,
  expected: 6,
  goodShares: [0, 1, 2, 3].map((shareNumber) => ({ shareNumber, serverId: shareNumber < 2 ? 'a' : 'b' })),
  leavingShares: [],
  corruptShares: [],
  serversResponding: ['a', 'b'],
  serversFailed: [{ serverId: 'c', error: 'not connected', place: 1 }],
  goodShareCount: 4,
  goodShareHosts: 2,
  happiness: 2,
  healthy: false,
  recoverable: true,
};
const knowing = (state: ServerState, everReached = true) =>
  new RecordedServers([{ serverId: 'c', key: 1, leaving: false, state, everReached }]);

describe('a repair', () => {
  it.each(['suspected', 'active', 'leaving'] as const)('is put off for a server that is %s', (state) => {
    expect(isPutOff(found, knowing(state))).toBe(true);
  });

  it('is not for one that was given up, that nobody ever reached, or that nobody knows', () => {
    expect(isPutOff(found, knowing('gone'))).toBe(false);
    expect(isPutOff(found, knowing('suspected', false))).toBe(false);
    expect(isPutOff(found, new RecordedServers([]))).toBe(false);
  });

  it('is not where everybody answered: what is missing then is lost', () => {
    expect(isPutOff({ ...found, serversFailed: [] }, knowing('suspected'))).toBe(false);
  });

  it('is not for one that answered, and could not give a share', () => {
    const serversResponding = [...found.serversResponding, 'c'];
    expect(isPutOff({ ...found, serversResponding }, knowing('active'))).toBe(false);
  });

  it('is not for one that comes so late in the order of the file that it holds nothing of it', () => {
    const away = (place: number) => [{ serverId: 'c', error: 'not connected', place }];
    expect(isPutOff({ ...found, serversFailed: away(11) }, knowing('suspected'))).toBe(true);
    expect(isPutOff({ ...found, serversFailed: away(12) }, knowing('suspected'))).toBe(false);
  });

  it('is not where a share was found to be corrupt', () => {
    const corruptShares = [{ shareNumber: 4, serverId: 'b', reason: 'a block is wrong' }];
    expect(isPutOff({ ...found, corruptShares }, knowing('suspected'))).toBe(false);
  });

  it('is not where the file is in danger', () => {
    const goodShares = found.goodShares.slice(0, 3);
    expect(isPutOff({ ...found, goodShares }, knowing('suspected'))).toBe(false);
  });

  it('is not where all shares are there, and some only on a server that is to be taken away', () => {
    const leavingShares = [4, 5].map((shareNumber) => ({ shareNumber, serverId: 'd' }));
    expect(isPutOff({ ...found, leavingShares }, knowing('suspected'))).toBe(false);
  });

  it('is not where nothing says how many shares there should be', () => {
    expect(isPutOff({ ...found, needed: undefined, expected: undefined }, knowing('suspected'))).toBe(false);
  });
});
