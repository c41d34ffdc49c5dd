import { randomBytes } from 'node:crypto';
import { copyFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { silentLogger } from '@holdfast/common/logging';
import {
  type ChkReadCapability,
  formatCapability,
  parseCapability,
  storageIndexOf,
  verifyCapabilityOf,
} from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { localCoding } from './coding/local-coding.js';
import { GatheredQuestions } from './connections/gathered-questions.js';
import type { StorageServer } from './connections/storage-server.js';
import { untilAborted } from './connections/until-aborted.js';
import { FileCare, type GridServers } from './file-care.js';
import { TransferMemory } from './memory/transfer-memory.js';
import { fiveServers } from './testing/five-servers.js';
import type { ShareFile } from './testing/share-files.js';
import { placesOf } from './testing/stored-files.js';

// Checking files on five real servers, with two shares of each file on each.

const encoding = { required: 3, happy: 3, total: 10, maximumSegmentSize: 32 * 1024 };
/** Its shares are read whole in one request. */
const small = 10_000;
/** Its shares are read piece by piece. */
const large = 400_000;

const five = fiveServers({ encoding, relayed: true });

describe('a check', () => {
  it.each([
    ['many in one request', true],
    ['each by itself, where servers know of nothing else', false],
  ])('is the same for files that are asked for %s', async (_, findMany) => {
    const files = await Promise.all(Array.from({ length: 12 }, () => five.storedFiles.store(small)));
    const gone = files[5]?.shares[0];
    if (gone) await rm(gone.path);
    let requests = 0;
    const counted = (server: StorageServer): StorageServer => {
      const questions = new GatheredQuestions({
        nickname: () => server.nickname,
        inTurn: (_, request) => request(),
        findMany: () => server.findMany && findMany,
        findShares: (...request) => {
          requests++;
          return server.findShares(...request);
        },
        listShares: (...request) => {
          requests++;
          return server.listShares(...request);
        },
        readWhole: (...request) => {
          requests++;
          return server.readWhole(...request);
        },
      });
      return {
        ...untilAborted(server, new AbortController().signal),
        findMany: server.findMany && findMany,
        listShares: (...request) => questions.listShares(...request),
        readWhole: (...request) => questions.readWhole(...request),
      };
    };
    const all = new Map<StorageServer, StorageServer>();
    const servers: GridServers = {
      connectedFor: (index) =>
        five.client.servers.connectedFor(index).map((server) => {
          const known = all.get(server) ?? counted(server);
          all.set(server, known);
          return known;
        }),
      orderFor: (index) => five.client.servers.orderFor(index),
      vouchedFor: (index) => five.client.servers.vouchedFor(index),
      statuses: () => five.client.servers.statuses(),
    };
    const care = new FileCare({
      servers,
      memory: new TransferMemory(64 * 2 ** 20),
      coding: localCoding,
      logger: silentLogger(),
    });
    const results = await Promise.all(files.map(({ capability }) => care.check(capability)));
    for (const [index, { goodShares, proven, serversResponding }] of results.entries()) {
      expect(proven).toBe(true);
      expect(serversResponding).toHaveLength(5);
      const expected = files[index]?.shares.filter((share) => share !== gone) ?? [];
      expect(five.storedFiles.places(goodShares)).toEqual(placesOf(expected));
    }
    if (findMany) expect(requests).toBeLessThan(3 * 5);
    else expect(requests).toBe(12 * 5);
  });

  it('counts the shares of a healthy file', async () => {
    const { capability, shares } = await five.storedFiles.store(small);
    const results = await five.client.grid.check(capability);
    expect(results).toMatchObject({
      authenticated: true,
      verified: false,
      needed: 3,
      expected: 10,
      goodShareCount: 10,
      goodShareHosts: 5,
      happiness: 5,
      corruptShares: [],
      leavingShares: [],
      serversFailed: [],
      healthy: true,
      recoverable: true,
    });
    expect(five.storedFiles.places(results.goodShares)).toEqual(placesOf(shares));
    expect(new Set(results.serversResponding)).toEqual(new Set(five.storedFiles.nicknames.keys()));
  });

  it('says of a verify capability what it says of the read capability', async () => {
    const { capability } = await five.storedFiles.store(small);
    expect(await five.client.grid.check(verifyCapabilityOf(capability))).toEqual(
      await five.client.grid.check(capability),
    );
  });

  it('finds a literal healthy', async () => {
    const results = await five.client.grid.check(parseCapability('URI:LIT:krugkidfnzsc4'));
    expect(results).toMatchObject({ healthy: true, recoverable: true, goodShares: [] });
  });

  it('counts what is left of a file, down to where it cannot be recovered', async () => {
    const { capability, shares } = await five.storedFiles.store(small);
    for (const { path } of shares.slice(0, 7)) await rm(path);
    const three = await five.client.grid.check(capability);
    expect(three).toMatchObject({ goodShareCount: 3, healthy: false, recoverable: true });
    await rm(shares[7]?.path ?? '');
    const two = await five.client.grid.check(capability);
    expect(two).toMatchObject({ goodShareCount: 2, healthy: false, recoverable: false });
    expect(five.storedFiles.places(two.goodShares)).toEqual(placesOf(shares.slice(8)));
  });

  it('tells which servers could not say, and does not wait long for one that is silent', async () => {
    const { capability, shares } = await five.storedFiles.store(small);
    const [silent] = shares as [ShareFile];
    five.client.relays.get(silent.server)?.stall();
    const all = five.storedFiles.nicknames;
    for (const signal of [new AbortController().signal, undefined]) {
      const results = await five.client.grid.check(capability, { signal });
      expect(results.serversFailed.map(({ serverId, error }) => [all.get(serverId), error])).toEqual([
        [silent.server, `${silent.server}: did not answer within 5 s`],
      ]);
      const order = five.client.servers.orderFor(results.storageIndex);
      expect(results.serversFailed.map(({ place }) => all.get(order[place] ?? ''))).toEqual([silent.server]);
      expect(results).toMatchObject({ goodShareCount: 8, healthy: false });
      // After the usual deadline of a request, which is three times as long, it would count as unreachable.
      const status = five.client.servers.statuses().find(({ nickname }) => nickname === silent.server);
      expect(status?.state).toBe('connected');
    }
    five.client.relays.get(silent.server)?.resume();
    await five.client.connected(5);

    await five.lab.stop(silent.server);
    await five.client.connected(4);
    const without = await five.client.grid.check(capability);
    expect(without.serversFailed.map(({ serverId }) => five.storedFiles.nicknames.get(serverId))).toEqual([
      silent.server,
    ]);
    await five.lab.start(silent.server);
    await five.client.connected(5);
  });

  it('ends at once when nobody wants its results any more', async () => {
    const { capability, shares } = await five.storedFiles.store(small);
    const { server } = shares[0] as ShareFile;
    five.client.relays.get(server)?.stall();
    const leaving = new AbortController();
    setTimeout(() => leaving.abort(new Error('enough')), 50);
    await expect(five.client.grid.check(capability, { signal: leaving.signal })).rejects.toThrow('enough');
    five.client.relays.get(server)?.resume();
    await five.client.connected(5);
  });
});

describe('a check by the storage index alone', () => {
  const byIndex = (capability: ChkReadCapability) =>
    five.client.grid.check({ kind: 'storage-index', storageIndex: storageIndexOf(capability) });

  it.each([
    ['small', small],
    ['large', large],
  ])(
    'learns from the shares of a %s file what it is, and does not call that authenticated',
    async (_name, size) => {
      const { capability, shares } = await five.storedFiles.store(size);
      for (const { path } of shares.slice(0, 2)) await rm(path);
      const results = await byIndex(capability);
      expect(results.capability && formatCapability(results.capability)).toBe(
        formatCapability(verifyCapabilityOf(capability)),
      );
      expect(results).toMatchObject({
        authenticated: false,
        needed: 3,
        expected: 10,
        goodShareCount: 8,
        healthy: false,
        recoverable: true,
      });
    },
  );

  it('goes by the file that most servers hold shares of', async () => {
    const { capability, shares } = await five.storedFiles.store(small);
    const other = await five.storedFiles.store(small);
    // One server claims that all ten shares are of another file.
    const [liar] = shares as [ShareFile];
    for (const share of other.shares)
      await copyFile(share.path, join(dirname(liar.path), String(share.shareNumber)));
    const results = await byIndex(capability);
    expect(results.capability && formatCapability(results.capability)).toBe(
      formatCapability(verifyCapabilityOf(capability)),
    );
    expect(results).toMatchObject({ goodShareCount: 8, healthy: false });
    expect(
      new Set(results.corruptShares.map(({ serverId }) => five.storedFiles.nicknames.get(serverId))),
    ).toEqual(new Set([liar.server]));
  });

  it('knows nothing of a file without shares', async () => {
    const results = await five.client.grid.check({ kind: 'storage-index', storageIndex: randomBytes(16) });
    expect(results).toMatchObject({
      capability: undefined,
      expected: undefined,
      healthy: false,
      recoverable: false,
    });
  });
});
