import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '@holdfast/lab';
import { decodeServerVersion } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { newIndex } from './testing/new-shares.js';
import { startTestServer, type TestServer } from './testing/test-server.js';
import { text } from './testing/texts.js';

const run = promisify(execFile);
const free = async ({ client }: TestServer) =>
  Number(decodeServerVersion((await client.request('GET', '/storage/v1/version')).body).availableSpace);

/** A file system of its own, of a few MB; undefined where this user may not mount. */
async function smallDisk(megabytes: number) {
  const folder = await temporaryFolder('disk');
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder.path]);
  } catch {
    await folder[Symbol.asyncDispose]();
    return undefined;
  }
  return {
    path: folder.path,
    [Symbol.asyncDispose]: async () => {
      await run('umount', ['-l', folder.path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe('a full disk', () => {
  it('is told as 507, loses nothing that was stored, and the server goes on', async ({ skip }) => {
    await using disk = await smallDisk(8);
    if (!disk) return skip('this user may not mount a small file system');
    await using server = await startTestServer({
      settings: { shares: { path: join(disk.path, 'shares'), reserved_space: 0 } },
    });
    const { client } = server;
    const kept = { storageIndex: newIndex(), shareNumber: 0 };
    const data = randomBytes(1_000_000);
    await client.store(kept, data);

    // The space is promised, and then somebody else takes it.
    const share = { storageIndex: newIndex(), shareNumber: 0 };
    expect(await client.allocated(share.storageIndex, [0], 5_000_000)).toEqual([0]);
    await writeFile(join(disk.path, 'other'), Buffer.alloc(6_000_000));
    const { status, body } = await client.write(share, { begin: 0, end: 5_000_000 }, randomBytes(5_000_000));
    expect(status).toBe(507);
    expect(text(body)).toBe('the disk of this server is full\n');

    expect(data.equals((await client.read(kept)).body)).toBe(true);
    expect(await client.list(share.storageIndex)).toEqual([]);
    expect((await client.abort(share)).status).toBe(200);
    await writeFile(join(disk.path, 'other'), '');
    const again = randomBytes(5_000_000);
    await client.store(share, again);
    expect(again.equals((await client.read(share)).body)).toBe(true);
  });
});

describe('a full disk under a mutable file', () => {
  it('is told as 507, and every share of the slot is as it was', async ({ skip }) => {
    await using disk = await smallDisk(8);
    if (!disk) return skip('this user may not mount a small file system');
    await using server = await startTestServer({
      settings: { shares: { path: join(disk.path, 'shares'), reserved_space: 0 } },
    });
    const { client } = server;
    const slot = newIndex();
    const before = [0, 1].map(() => new Uint8Array(randomBytes(1_000_000)));
    const change = (data: Uint8Array) => ({ write: [{ offset: 0, data }], newLength: data.length });
    await client.slot(slot, Object.fromEntries(before.map((data, number) => [number, change(data)])));
    const recorded = () =>
      server.sql(
        'select share_number, state, size::int from storage.shares where storage_index = $1 order by 1',
        [slot],
      );
    const records = await recorded();

    await writeFile(join(disk.path, 'other'), Buffer.alloc(4_500_000));
    const larger = new Uint8Array(randomBytes(1_500_000));
    for (let tries = 0; tries < 2; tries++) {
      const { status } = await client.slot(slot, { 0: change(larger), 1: change(larger), 2: change(larger) });
      expect(status).toBe(507);
    }
    expect(await client.listMutable(slot)).toEqual([0, 1]);
    for (const [shareNumber, data] of before.entries()) {
      const { body } = await client.readMutable({ storageIndex: slot, shareNumber });
      expect(Buffer.compare(body, data)).toBe(0);
    }
    expect(await recorded()).toEqual(records);
    expect(await readdir(join(disk.path, 'shares', 'changing'))).toEqual([]);

    await writeFile(join(disk.path, 'other'), '');
    // What is free is asked once a second.
    await expect.poll(async () => (await client.slot(slot, { 0: change(larger) })).status).toBe(200);
  });
});

describe('reserved space', () => {
  it('is never promised, and what is promised once is not promised again', async () => {
    const disk = await statfs('/tmp');
    // Others use this disk as well: room is half of what is free, next to which what they take and give is little.
    const room = Math.floor((disk.bavail * disk.bsize) / 2);
    const part = (ratio: number) => Math.floor(room * ratio);
    await using server = await startTestServer({
      settings: { shares: { path: 'shares', reserved_space: room } },
    });
    const { client } = server;
    expect(await free(server)).toBeLessThan(part(1.2));
    // There is room for one or two of these, for five there is not.
    const storageIndex = newIndex();
    const allocated = await client.allocated(storageIndex, [0, 1, 2, 3, 4], part(0.5));
    expect(allocated.length).toBeGreaterThanOrEqual(1);
    expect(allocated.length).toBeLessThan(3);
    expect(await client.allocated(newIndex(), [0], part(0.8))).toEqual([]);
    for (const shareNumber of allocated) await client.abort({ storageIndex, shareNumber });
    expect(await client.allocated(newIndex(), [0], part(0.5))).toEqual([0]);
  });
});
