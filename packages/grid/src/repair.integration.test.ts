import { copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@holdfast/lab';
import { bucketFolder, storageIndexOf, verifyCapabilityOf } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { fiveServers } from './testing/five-servers.js';
import { knownServer } from './testing/lab-client.js';
import {
  flipByte,
  headerOf,
  rowsOf,
  type ShareFile,
  shareFiles,
  sharesFolder,
} from './testing/share-files.js';
import {
  expectSameShares,
  flipBlock,
  type StoredWithShares,
  storeWithShares,
} from './testing/stored-shares.js';

// Repairing files on five real servers.

const encoding = { required: 3, happy: 3, total: 10, maximumSegmentSize: 32 * 1024 };
/** Its shares are read and stored whole. */
const small = 10_000;
/** One segment, but too large for that. */
const medium = 300_000;
/** Many segments. */
const large = 1_000_000;
const sizes: [string, number][] = [
  ['small', small],
  ['large', large],
];

const five = fiveServers({ encoding, relayed: true });

const stored = (size: number) => storeWithShares(five.lab, five.client.grid, size);
const expectAllEqual = (file: StoredWithShares, but?: readonly string[], count?: number) =>
  expectSameShares(five.lab, file, but, count);

const nicknames = () => new Map(five.lab.description.storage.map(({ id, nickname }) => [id, nickname]));

describe('a repair', () => {
  it.each(sizes)('leaves a healthy, well spread %s file alone', async (_name, size) => {
    const file = await stored(size);
    const results = await five.client.grid.repair(file.capability);
    expect(results).toMatchObject({ attempted: false, successful: false, sharesPlaced: [], bytesWritten: 0 });
    expect(results.after).toEqual(results.before);
    expect(await shareFiles(five.lab, file.text)).toEqual(file.shares);
  });

  it.each([...sizes, ['medium', medium]])(
    'puts the shares of a %s file that two servers lost back, by its verify capability alone',
    async (_name, size) => {
      const file = await stored(size as number);
      const emptied = new Set(['s1', 's2']);
      const lost = file.shares.filter(({ server }) => emptied.has(server));
      for (const { path } of lost) await rm(path);
      const results = await five.client.grid.repair(verifyCapabilityOf(file.capability));
      expect(results).toMatchObject({
        attempted: true,
        successful: true,
        before: { goodShareCount: 6, happiness: 3, healthy: false },
        after: { goodShareCount: 10, happiness: 5, healthy: true },
        reasons: [],
      });
      expect(results.sharesPlaced.map(({ shareNumber }) => shareNumber)).toEqual(
        lost.map(({ shareNumber }) => shareNumber),
      );
      expect(new Set(results.sharesPlaced.map(({ copied }) => copied))).toEqual(new Set([false]));
      expect(results.bytesWritten).toBe(4 * (file.bytes.get(0)?.length ?? 0));
      expect(results.bytesRead).toBeGreaterThan(size as number);
      await expectAllEqual(file);
      expect((await five.client.read(file.text)).equals(file.content)).toBe(true);
      expect(await five.client.grid.repair(file.capability)).toMatchObject({ attempted: false });
    },
  );

  it('waits for the pace with what it reads of a small file, and with what it writes', async () => {
    const file = await stored(small);
    for (const { path } of file.shares.slice(0, 4)) await rm(path);
    let paced = 0;
    const pace = async (bytes: number) => {
      paced += bytes;
    };
    const results = await five.client.grid.repair(file.capability, { pace });
    expect(results.successful).toBe(true);
    expect(paced).toBe(results.bytesRead + results.bytesWritten);
  });

  it.each(sizes)('works on the storage index of a %s file alone', async (_name, size) => {
    const file = await stored(size);
    for (const { path } of file.shares.slice(0, 5)) await rm(path);
    const storageIndex = storageIndexOf(file.capability);
    const results = await five.client.grid.repair({ kind: 'storage-index', storageIndex });
    expect(results).toMatchObject({
      successful: true,
      before: { authenticated: false, goodShareCount: 5 },
      after: { authenticated: false, goodShareCount: 10, expected: 10 },
    });
    await expectAllEqual(file);
  });

  it.each(sizes)('replaces a share of a %s file that a server lies about', async (_name, size) => {
    const file = await stored(size);
    const liar = file.shares[4] as ShareFile;
    await flipBlock(liar);
    const results = await five.client.grid.repair(file.capability, { verify: true });
    expect(results).toMatchObject({
      successful: true,
      before: { goodShareCount: 9 },
      after: { healthy: true },
    });
    // The liar keeps what it has, since nobody can write there; another server gets the good one.
    const [placed] = results.sharesPlaced;
    expect(placed?.shareNumber).toBe(4);
    expect(nicknames().get(placed?.serverId ?? '')).not.toBe(liar.server);
    await expectAllEqual(file, [liar.path]);
    // And a check that read everything can be handed on.
    const checked = await five.client.grid.check(file.capability, { verify: true });
    expect(await five.client.grid.repair(file.capability, { checked })).toMatchObject({ attempted: false });
  });

  it.each(sizes)('passes over liars among the shares of a %s file that it reads', async (_name, size) => {
    const file = await stored(size);
    for (const share of file.shares.slice(0, 2)) await flipBlock(share);
    await rm(file.shares[9]?.path ?? '');
    const results = await five.client.grid.repair(file.capability);
    expect(results.attempted).toBe(true);
    const liars = file.shares.slice(0, 2).map(({ path }) => path);
    if (size === large) {
      // Not all was read, but what was found wrong on the way does not count as good.
      expect(results.successful).toBe(results.after.corruptShares.length === 0);
      const again = await five.client.grid.repair(file.capability, { checked: results.after });
      expect(again.after.goodShareCount).toBe(10);
    } else expect(results.successful).toBe(true);
    await five.client.grid.repair(file.capability, { verify: true });
    await expectAllEqual(file, liars);
  });

  it.each(sizes)('spreads shares of a %s file that are piled on one server', async (_name, size) => {
    const file = await stored(size);
    const bucket = bucketFolder(storageIndexOf(file.capability));
    const pile = join(sharesFolder(five.lab, 's1'), bucket);
    for (const { server, path, shareNumber } of file.shares)
      if (server !== 's1') await rename(path, join(pile, String(shareNumber)));
    const results = await five.client.grid.repair(file.capability);
    expect(results).toMatchObject({
      successful: true,
      before: { healthy: true, happiness: 1 },
      after: { healthy: true, happiness: 5 },
    });
    expect(results.sharesPlaced).toHaveLength(4);
    for (const { copied } of results.sharesPlaced) expect(copied).toBe(true);
    await expectAllEqual(file);
  });

  it.each(sizes)('moves the shares of a %s file off a server that is leaving', async (_name, size) => {
    const file = await stored(size);
    const { known } = await leave('s3');
    try {
      const check = await five.client.grid.check(file.capability);
      expect(check).toMatchObject({ goodShareCount: 8, healthy: false, recoverable: true });
      expect(check.leavingShares).toHaveLength(2);
      const results = await five.client.grid.repair(file.capability);
      expect(results).toMatchObject({ successful: true, after: { goodShareCount: 10, goodShareHosts: 4 } });
      for (const { copied, serverId } of results.sharesPlaced)
        expect([copied, nicknames().get(serverId) === 's3']).toEqual([true, false]);
      expect(results.sharesPlaced).toHaveLength(2);
      await expectAllEqual(file);
    } finally {
      five.client.servers.set(known);
    }
  });

  it('makes a share anew where the leaving server’s copy is wrong', async () => {
    const file = await stored(large);
    const wrong = file.shares.find(({ server }) => server === 's3') as ShareFile;
    await flipBlock(wrong);
    const { known } = await leave('s3');
    try {
      const results = await five.client.grid.repair(file.capability);
      expect(results.successful).toBe(true);
      const anew = results.sharesPlaced.filter(({ copied }) => !copied);
      expect(anew.map(({ shareNumber }) => shareNumber)).toEqual([wrong.shareNumber]);
      // Told of it, the server may have looked, and list it no more.
      for (const { shareNumber } of results.after.corruptShares) expect(shareNumber).toBe(wrong.shareNumber);
      await expectAllEqual(file, [wrong.path]);
    } finally {
      five.client.servers.set(known);
    }
  });

  it.each(sizes)(
    'cannot save a %s file with fewer than k shares, and says how many there are',
    async (_name, size) => {
      const file = await stored(size);
      for (const { path } of file.shares.slice(2)) await rm(path);
      await expect(five.client.grid.repair(file.capability)).rejects.toMatchObject({
        code: 'not-recoverable',
        found: 2,
        results: { needed: 3, recoverable: false },
        message: 'only 2 good share(s) could be found; 3 are needed',
      });
      for (const { path } of file.shares.slice(0, 2)) await rm(path);
      await expect(five.client.grid.repair(file.capability)).rejects.toMatchObject({ found: 0 });
      const storageIndex = storageIndexOf(file.capability);
      await expect(five.client.grid.repair({ kind: 'storage-index', storageIndex })).rejects.toMatchObject({
        message: 'no shares that agree on a file could be found',
      });
    },
  );

  it.each(sizes)('finds out that too many shares of a %s file are wrong', async (_name, size) => {
    const file = await stored(size);
    for (const share of file.shares.slice(2)) await flipBlock(share);
    await expect(five.client.grid.repair(file.capability, { verify: size === large })).rejects.toMatchObject({
      code: 'not-recoverable',
      found: 2,
    });
    // Without reading all before, it finds out on the way. Nothing stays half stored.
    await rm(file.shares[2]?.path ?? '');
    await expect(five.client.grid.repair(file.capability)).rejects.toMatchObject({
      code: 'not-recoverable',
      found: 2,
    });
    expect(await shareFiles(five.lab, file.text)).toHaveLength(9);
  });

  it.each(sizes)('passes on no bytes of a %s file that no hash covers', async (_name, size) => {
    const file = await stored(size);
    const bucket = bucketFolder(storageIndexOf(file.capability));
    const pile = join(sharesFolder(five.lab, 's1'), bucket);
    const piled: string[] = [];
    for (const share of file.shares) {
      await flipByte(share, (await headerOf(share)).sections.plaintextHashTree.offset + 1);
      const path = join(pile, String(share.shareNumber));
      if (share.path !== path) await rename(share.path, path);
      piled.push(path);
    }
    expect(await five.client.grid.repair(file.capability)).toMatchObject({ successful: true });
    expect(await expectAllEqual(file, piled, 4)).toHaveLength(14);
  });

  it('goes on with others when shares are deleted while it reads them', async () => {
    const file = await stored(4_000_000);
    for (const { path } of file.shares.filter(({ server }) => server === 's1')) await rm(path);
    let paced = 0;
    const pace = async () => {
      if (++paced !== 20) return;
      for (const { path } of file.shares.filter(({ server }) => server === 's2'))
        await rm(path, { force: true });
      // What a server has open it may still read for a while.
      await five.lab.stop('s2');
      await five.lab.start('s2');
    };
    const results = await five.client.grid.repair(file.capability, { pace });
    expect(paced).toBeGreaterThan(20);
    // What was lost on the way was not to be repaired: the results say so.
    expect(results).toMatchObject({ attempted: true });
    await five.client.connected(5);
    const again = await five.client.grid.repair(file.capability);
    expect(again.after).toMatchObject({ goodShareCount: 10, healthy: true });
    await expectAllEqual(file);
  });

  it('places shares anew when the server that was to get them goes away', async () => {
    const file = await stored(4_000_000);
    const emptied = new Set(['s1', 's2']);
    for (const { path } of file.shares.filter(({ server }) => emptied.has(server))) await rm(path);
    let paced = 0;
    const pace = async () => {
      if (++paced === 30) await five.lab.kill('s1');
    };
    const results = await five.client.grid.repair(file.capability, { pace });
    expect(results).toMatchObject({ attempted: true, successful: true, after: { goodShareHosts: 4 } });
    expect(results.sharesPlaced.map(({ serverId }) => nicknames().get(serverId))).not.toContain('s1');
    expect(results.reasons.length).toBeGreaterThan(0);
    await five.lab.start('s1');
    await five.client.connected(5);
    await expectAllEqual(file);
  });

  it('goes on while two servers go and come back', async () => {
    const file = await stored(6_000_000);
    for (const { path } of file.shares.filter(({ server }) => server === 's1')) await rm(path);
    let paced = 0;
    const pace = async () => {
      paced++;
      if (paced === 20) await Promise.all(['s2', 's3'].map((server) => five.lab.kill(server)));
      if (paced === 60) await Promise.all(['s2', 's3'].map((server) => five.lab.start(server)));
    };
    const results = await five.client.grid.repair(file.capability, { pace });
    expect(paced).toBeGreaterThan(60);
    expect(results.attempted).toBe(true);
    await five.client.connected(5);
    const { after } = await five.client.grid.repair(file.capability);
    expect(after).toMatchObject({ goodShareCount: 10, happiness: 5, healthy: true });
    await expectAllEqual(file);
  });

  it('renews the leases on what is there, if asked to, as a check does', async () => {
    const file = await stored(small);
    const index = Buffer.from(storageIndexOf(file.capability)).toString('hex');
    const where = `where server = $1 and storage_index = '\\x${index}'`;
    await rm(file.shares.find(({ server }) => server === 's1')?.path ?? '');
    const endings = async () => {
      const rows = await rowsOf<{ at: Date }>(
        five.lab,
        's2',
        `select expires_at as at from storage.leases ${where}`,
      );
      return Math.max(...rows.map(({ at }) => at.getTime()));
    };
    let before = await endings();
    const renewed = () => waitFor('a renewal', async () => (await endings()) > before || undefined);
    await five.client.grid.check(file.capability);
    expect(await endings()).toBe(before);
    await five.client.grid.check(file.capability, { addLease: true });
    await renewed();
    before = await endings();
    await five.client.grid.repair(file.capability, { addLease: true });
    await renewed();
  });

  it('ends at once when nobody wants it any more, and leaves nothing half stored', async () => {
    const file = await stored(4_000_000);
    for (const { path } of file.shares.filter(({ server }) => server === 's1')) await rm(path);
    const leaving = new AbortController();
    let paced = 0;
    // Whoever limits the bandwidth may let it wait long.
    const pace = async () => {
      if (++paced !== 10) return;
      setTimeout(() => leaving.abort(new Error('enough')), 50);
      await new Promise(() => undefined);
    };
    await expect(five.client.grid.repair(file.capability, { pace, signal: leaving.signal })).rejects.toThrow(
      'enough',
    );
    expect(await shareFiles(five.lab, file.text)).toHaveLength(8);
    expect(await five.client.grid.repair(file.capability)).toMatchObject({ successful: true });
    await expectAllEqual(file);
  });

  it('does not believe in shares of another file at the same place', async () => {
    const file = await stored(small);
    const other = await stored(small);
    const wrong = file.shares[3] as ShareFile;
    await copyFile(other.shares[3]?.path ?? '', wrong.path);
    const results = await five.client.grid.repair(file.capability);
    expect(results).toMatchObject({ successful: true, before: { corruptShares: [{ shareNumber: 3 }] } });
    await expectAllEqual(file, [wrong.path]);
  });
});

/** Has a server leave; `known` is how it was. */
async function leave(nickname: string) {
  const node = five.lab.description.storage.find((each) => each.nickname === nickname);
  if (!node) throw new Error(`no ${nickname}`);
  const known = await knownServer(node, five.client.relays.get(nickname)?.port);
  five.client.servers.set({ ...known, leaving: true });
  await waitFor(
    'it is leaving',
    () => five.client.servers.statuses().some(({ id, leaving }) => id === known.id && leaving) || undefined,
  );
  return { known };
}
