import { randomBytes } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { waitFor } from '@holdfast/lab';
import { blockHash, containerHeaderSize, hashSize, parseCapability, storageIndexOf } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import type { Coding } from './coding/coding.js';
import { localCoding } from './coding/local-coding.js';
import { fiveServers } from './testing/five-servers.js';
import { once } from './testing/lab-client.js';
import { cutOff, flipByte, headerOf, type ShareFile, shareFiles } from './testing/share-files.js';
import { placesOf } from './testing/stored-files.js';

// Reading every byte of files on five real servers, with two shares of each file on each.

const encoding = { required: 3, happy: 3, total: 10, maximumSegmentSize: 32 * 1024 };
/** Its shares are read whole in one request. */
const small = 10_000;
/** Its shares are read piece by piece. */
const large = 400_000;

const five = fiveServers({ encoding });

type Damage = (share: ShareFile) => Promise<void>;
const flipIn = (where: (header: Awaited<ReturnType<typeof headerOf>>) => number): Damage => {
  return async (share) => flipByte(share, where(await headerOf(share)));
};
const damages: [string, Damage][] = [
  ['its first block', flipIn(({ sections }) => sections.data.offset + 5)],
  ['its last block', flipIn(({ sections }) => sections.data.offset + sections.data.size - 1)],
  ['its ciphertext hash tree', flipIn(({ sections }) => sections.ciphertextHashTree.offset + 3)],
  ['its block hash tree', flipIn(({ sections }) => sections.blockHashTree.offset + 8)],
  ['its share hash chain', flipIn(({ sections }) => sections.shareHashChain.offset + 10)],
  ['its URI extension block', flipIn(({ uriExtension }) => uriExtension.offset + 50)],
  ['its version', flipIn(() => 3)],
  ['an offset in its header', flipIn(() => 27)],
  ['its length', async (share) => cutOff(share, (await headerOf(share)).uriExtension.offset + 40)],
];

describe('a verification', () => {
  describe.each([
    ['small', small],
    ['large', large],
  ])('of a %s file', (_name, size) => {
    it('finds every byte of a good one right', async () => {
      const { capability } = await five.storedFiles.store(size);
      const results = await five.client.grid.check(capability, { verify: true });
      expect(results).toMatchObject({ verified: true, corruptShares: [], goodShareCount: 10, healthy: true });
    });

    it.each(damages)('names the share that is wrong in %s, and tells its server', async (_what, damage) => {
      const { capability, text, shares } = await five.storedFiles.store(size);
      const liar = shares[4] as ShareFile;
      await damage(liar);
      const results = await five.client.grid.check(capability, { verify: true });
      expect(five.storedFiles.places(results.corruptShares)).toEqual(placesOf([liar]));
      expect(results.corruptShares[0]?.reason).not.toBe('');
      expect(five.storedFiles.places(results.goodShares)).toEqual(
        placesOf(shares.filter((share) => share !== liar)),
      );
      expect(results).toMatchObject({ goodShareCount: 9, healthy: false, recoverable: true });
      await waitFor(
        'the report',
        async () =>
          (await five.storedFiles.reports(text, liar.server)).includes(liar.shareNumber) || undefined,
      );
    });
  });

  it.each([
    ['small', small],
    ['large', large],
  ])('waits for the pace with every byte of a %s file', async (_name, size) => {
    const { capability, shares } = await five.storedFiles.store(size);
    let paced = 0;
    const pace = async (bytes: number) => {
      paced += bytes;
    };
    expect(await five.client.grid.check(capability, { verify: true, pace })).toMatchObject({ healthy: true });
    const sizes = await Promise.all(shares.map(async ({ path }) => (await stat(path)).size));
    const all = sizes.reduce((sum, bytes) => sum + bytes - containerHeaderSize, 0);
    // Beyond the share stands its lease record, which nobody reads.
    expect(paced).toBeGreaterThan(all - shares.length * 100);
  });

  it('finds the file defective whose shares are good each by itself and do not fit together', async () => {
    // An uploader who changes the blocks of one share before they are hashed.
    const coding: Coding = {
      ...localCoding,
      encode: (geometry, key) => {
        const honest = localCoding.encode(geometry, key);
        return {
          close: () => honest.close(),
          finish: () => honest.finish(),
          encode: async (segment, rooms) => {
            const hashes = await honest.encode(segment, rooms);
            const room = rooms[7] as Uint8Array;
            room[0] = (room[0] ?? 0) ^ 1;
            hashes.set(blockHash(room), (1 + 7) * hashSize);
            return hashes;
          },
        };
      },
    };
    const text = await five.client.gridWith(encoding, coding).upload(once(randomBytes(large)));
    const capability = parseCapability(text);
    expect(await five.client.grid.check(capability)).toMatchObject({ healthy: true });
    const results = await five.client.grid.check(capability, { verify: true });
    expect(results).toMatchObject({
      corruptShares: [],
      goodShareCount: 10,
      healthy: false,
      recoverable: false,
    });
    expect(results.defect).toMatch(/not those of the file/);
    const shares = await shareFiles(five.lab, text);
    // What can be made in its place is not what the file says of it.
    await rm(shares.find(({ shareNumber }) => shareNumber === 7)?.path ?? '');
    await expect(five.client.grid.repair(capability)).rejects.toMatchObject({ code: 'wrong-file' });
    expect(await shareFiles(five.lab, text)).toHaveLength(9);
  });

  it('is told by the storage index alone, too, which share is wrong', async () => {
    const { capability, shares } = await five.storedFiles.store(large);
    const liar = shares[2] as ShareFile;
    await damages[0]?.[1](liar);
    const file = { kind: 'storage-index', storageIndex: storageIndexOf(capability) } as const;
    const results = await five.client.grid.check(file, { verify: true });
    expect(five.storedFiles.places(results.corruptShares)).toEqual(placesOf([liar]));
    expect(results).toMatchObject({ authenticated: false, goodShareCount: 9 });
  });
});
