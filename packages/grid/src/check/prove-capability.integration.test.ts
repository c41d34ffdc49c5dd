import { randomBytes } from 'node:crypto';
import { copyFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { silentLogger } from '@holdfast/common/logging';
import {
  type ChkVerifyCapability,
  parseCapability,
  storageIndexOf,
  verifyCapabilityOf,
} from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { localCoding } from '../coding/local-coding.js';
import type { StorageServer } from '../connections/storage-server.js';
import { untilAborted } from '../connections/until-aborted.js';
import { FileCare, type GridServers } from '../file-care.js';
import { TransferMemory } from '../memory/transfer-memory.js';
import { fiveServers } from '../testing/five-servers.js';
import { once } from '../testing/lab-client.js';
import { flipByte, headerOf, type ShareFile, shareFiles } from '../testing/share-files.js';
import { placesOf } from '../testing/stored-files.js';

// Whether shares on five real servers, two of each file on each, are of the file that a capability names.

const encoding = { required: 3, happy: 3, total: 10, maximumSegmentSize: 32 * 1024 };
/** With segments as large as clients make them who are not told otherwise. */
const usualEncoding = { ...encoding, maximumSegmentSize: 1024 * 1024 };
/** Its shares are read whole in one request. */
const small = 10_000;
/** Its shares are read piece by piece. */
const large = 400_000;

const five = fiveServers({ encoding });

/** The lab's servers, and what is read of each and reported to it. */
function notedServers(memory = new TransferMemory(64 * 2 ** 20)) {
  const read: { server: string; bytes: number }[] = [];
  const readWhole: string[] = [];
  const reported: string[] = [];
  const noted = (connection: StorageServer): StorageServer => {
    const server = untilAborted(connection, new AbortController().signal);
    return {
      ...server,
      read: async (...request) => {
        const bytes = await server.read(...request);
        read.push({ server: server.nickname, bytes: bytes.length });
        return bytes;
      },
      readWhole: async (...request) => {
        readWhole.push(server.nickname);
        return server.readWhole(...request);
      },
      reportCorruption: async (...request) => {
        reported.push(server.nickname);
        await server.reportCorruption(...request);
      },
    };
  };
  const { servers } = five.client;
  const set: GridServers = {
    connectedFor: (storageIndex) => servers.connectedFor(storageIndex).map(noted),
    vouchedFor: (storageIndex) => {
      const vouched = servers.vouchedFor(storageIndex);
      return { ...vouched, servers: vouched.servers.map(noted) };
    },
    orderFor: (storageIndex) => servers.orderFor(storageIndex),
    statuses: () => servers.statuses(),
  };
  const files = new FileCare({ servers: set, memory, coding: localCoding, logger: silentLogger() });
  return { files, read, readWhole, reported };
}

describe('a check by a capability', () => {
  const sizes: [string, number][] = [
    ['small', small],
    ['large', large],
  ];

  it('reads of one share of a large file that it is what the capability names', async () => {
    const text = await five.client.gridWith(usualEncoding).upload(once(randomBytes(large)));
    const { files, read, readWhole, reported } = notedServers();
    const results = await files.check(parseCapability(text));
    expect(results).toMatchObject({ proven: true, wrongCapability: false, healthy: true });
    expect(read).toEqual([{ server: expect.any(String), bytes: expect.any(Number) }]);
    expect(read[0]?.bytes).toBeLessThan(1_024);
    expect(readWhole).toEqual([]);
    expect(reported).toEqual([]);
  });

  it('takes the shares of a small file from the first server with its answer, which proves the capability', async () => {
    const { capability, text } = await five.storedFiles.store(small);
    const [first] = five.client.servers.connectedFor(storageIndexOf(capability));
    const { files, read, readWhole, reported } = notedServers();
    const results = await files.check(parseCapability(text));
    expect(results).toMatchObject({ proven: true, wrongCapability: false, healthy: true });
    expect(readWhole).toEqual([first?.nickname]);
    expect(read).toEqual([]);
    expect(reported).toEqual([]);
  });

  it('does not wait for memory to take these shares in, and reads of one instead', async () => {
    const { text } = await five.storedFiles.store(small);
    const memory = new TransferMemory(64 * 2 ** 20);
    const taken = await memory.opening.take(memory.opening.size);
    const { files, read, readWhole } = notedServers(memory);
    expect(await files.check(parseCapability(text))).toMatchObject({ proven: true, healthy: true });
    expect(read).toHaveLength(1);
    expect(readWhole).toEqual([]);
    taken.release();
  });

  it('reads a second time where the file is encoded in segments of another size', async () => {
    const { capability } = await five.storedFiles.store(large);
    const { files, read } = notedServers();
    expect(await files.check(capability)).toMatchObject({ proven: true, healthy: true });
    expect(new Set(read.map(({ server }) => server)).size).toBe(1);
  });

  it('is proven by the next share where the first is wrong, and tells its server', async () => {
    const { capability, text } = await five.storedFiles.store(large);
    const { files, reported } = notedServers();
    const [first] = five.client.servers.connectedFor(storageIndexOf(capability));
    const liars = (await shareFiles(five.lab, text)).filter(({ server }) => server === first?.nickname);
    for (const liar of liars) await flipByte(liar, (await headerOf(liar)).uriExtension.offset + 50);
    const results = await files.check(capability);
    expect(results).toMatchObject({
      proven: true,
      wrongCapability: false,
      goodShareCount: 9,
      healthy: false,
    });
    expect(reported).toEqual([first?.nickname]);
  });

  describe.each(sizes)('that is wrong, of a %s file,', (_name, size) => {
    it.each([
      [
        'names another hash',
        ({ uriExtensionHash }: ChkVerifyCapability) => ({ uriExtensionHash: flipped(uriExtensionHash) }),
      ],
      ['says another k', () => ({ required: 4 })],
      ['says another n', () => ({ total: 9 })],
    ])('says so where it %s, and slanders nobody', async (_what, change) => {
      const { capability } = await five.storedFiles.store(size);
      const right = verifyCapabilityOf(capability);
      const wrong = { ...right, ...change(right) };
      const { files, reported } = notedServers();
      for (const verify of [false, true])
        expect(await files.check(wrong, { verify })).toMatchObject({
          proven: false,
          wrongCapability: true,
          defect: expect.stringContaining('not with the capability'),
          goodShares: [],
          corruptShares: [],
          healthy: false,
          recoverable: false,
        });
      await expect(files.repair(wrong)).rejects.toMatchObject({
        code: 'wrong-capability',
        results: { wrongCapability: true, corruptShares: [] },
      });
      expect(reported).toEqual([]);
    });
  });

  it('believes the capability, not shares that are too few to be a file of their own', async () => {
    const { capability, shares } = await five.storedFiles.store(small);
    for (const { path } of shares.slice(2)) await rm(path);
    const { files, reported } = notedServers();
    const right = verifyCapabilityOf(capability);
    const results = await files.check({ ...right, uriExtensionHash: flipped(right.uriExtensionHash) });
    expect(results).toMatchObject({ proven: false, wrongCapability: false, recoverable: false });
    expect(five.storedFiles.places(results.corruptShares)).toEqual(placesOf(shares.slice(0, 2)));
    expect(reported).toHaveLength(2);
  });

  it.each([
    ['one share', 1],
    ['ten shares', 10],
  ])('believes the capability, not one server with %s of a file that needs one', async (_what, count) => {
    const { capability, shares } = await five.storedFiles.store(small);
    const needsOne = five.client.gridWith({ ...encoding, required: 1 });
    const other = await shareFiles(five.lab, await needsOne.upload(once(randomBytes(small))));
    for (const { path } of shares) await rm(path);
    const [liar] = shares as [ShareFile];
    for (const { path, shareNumber } of other.slice(0, count))
      await copyFile(path, join(dirname(liar.path), String(shareNumber)));
    const { files, reported } = notedServers();
    const results = await files.check(capability);
    expect(results).toMatchObject({ proven: false, wrongCapability: false, recoverable: false });
    expect(five.storedFiles.places(results.corruptShares)).toEqual(
      placesOf(other.slice(0, count).map((share) => ({ ...share, server: liar.server }))),
    );
    expect(reported).toHaveLength(count);
    await expect(files.repair(capability)).rejects.toMatchObject({ name: 'NotRecoverableError' });
  });

  it('believes the capability, not as many shares as a file of others needs that needs fewer', async () => {
    const { capability, shares } = await five.storedFiles.store(small);
    const needsOne = five.client.gridWith({ ...encoding, required: 1 });
    const other = await shareFiles(five.lab, await needsOne.upload(once(randomBytes(small))));
    const liars = shares.slice(0, 2);
    for (const { path } of shares.slice(2)) await rm(path);
    for (const [index, { path }] of liars.entries()) await copyFile((other[index] as ShareFile).path, path);
    const { files } = notedServers();
    const results = await files.check(capability);
    expect(results).toMatchObject({ proven: false, wrongCapability: false, recoverable: false });
    expect(five.storedFiles.places(results.corruptShares)).toEqual(placesOf(liars));
  });
});

/** Bytes that differ from others in one bit. */
function flipped(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => (index === 0 ? byte ^ 1 : byte));
}
