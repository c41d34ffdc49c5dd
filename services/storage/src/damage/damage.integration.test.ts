import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { holdfastProgram } from '@holdfast/lab';
import { base32Encode, type ShareAddress, sharePath } from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newIndex } from '../testing/new-shares.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ settings: { scrub: { enabled: false } } });
});
afterAll(() => server?.[Symbol.asyncDispose]());

const someBytes = (length: number) => new Uint8Array(randomBytes(length));
const fileOf = ({ storageIndex, shareNumber }: ShareAddress) =>
  join(server.shares, sharePath(storageIndex, shareNumber));
const damagedRow = async ({ storageIndex }: ShareAddress) =>
  (
    await server.sql<{ share_number: number; found_by: string; problem: string }>(
      'select share_number, found_by, problem from storage.damaged_shares where storage_index = $1',
      [storageIndex],
    )
  )[0];
const metric = async () => {
  const text = await (await fetch(`${server.operator}/metrics`)).text();
  return Number(/holdfast_storage_damaged_shares\{[^}]*\} (\d+)/.exec(text)?.[1]);
};

/** `holdfast storage damaged` for the server. */
const damaged = async (...options: string[]) =>
  (await promisify(execFile)(holdfastProgram, ['storage', 'damaged', '--dir', server.dir, ...options]))
    .stdout;

/** Two shares of one storage index, of which the first is then damaged. The server has neither of them open. */
async function damage(how: (file: string) => Promise<void>): Promise<ShareAddress> {
  const storageIndex = newIndex();
  await server.client.allocated(storageIndex, [0, 1], 1000);
  for (const shareNumber of [0, 1]) {
    await server.client.write({ storageIndex, shareNumber }, { begin: 0, end: 1000 }, randomBytes(1000));
  }
  await how(fileOf({ storageIndex, shareNumber: 0 }));
  return { storageIndex, shareNumber: 0 };
}

const overwrite = (at: number, bytes: readonly number[]) => async (file: string) => {
  const content = await readFile(file);
  content.set(bytes, at);
  await writeFile(file, content);
};

describe('a share whose container is damaged', () => {
  it.each<[string, RegExp, (file: string) => Promise<void>]>([
    ['has an unknown version', /malformed share container: expected .*version/, overwrite(0, [0, 0, 0, 9])],
    ['is shorter than its header', /malformed share container/, (file) => truncate(file, 5)],
    [
      'is shorter than its leases',
      /malformed share container: expected a file that has room for its leases/,
      overwrite(8, [0, 0, 1, 0]),
    ],
    ['is empty', /malformed share container/, (file) => truncate(file, 0)],
    [
      'cannot be read by the disk',
      /^the file cannot be read: EIO$/,
      async (file) => {
        // The memory of a process, read where it has none, gives what a failing disk gives.
        await truncate(file, 0);
        await rm(file);
        await symlink('/proc/self/mem', file);
      },
    ],
    [
      'is a folder',
      /^the file cannot be read: EISDIR$/,
      async (file) => {
        await rm(file);
        await mkdir(file);
      },
    ],
  ])('%s: it is no longer listed or read, others are, and it is noted once', async (_, problem, how) => {
    const before = await metric();
    const share = await damage(how);
    const { client } = server;
    expect(await client.list(share.storageIndex)).toEqual([1]);
    expect((await client.read(share)).status).toBe(404);
    expect((await client.read({ ...share, shareNumber: 1 })).status).toBe(200);
    await expect.poll(() => damagedRow(share)).toMatchObject({ share_number: 0, found_by: 'read' });
    expect((await damagedRow(share))?.problem).toMatch(problem);
    expect(await metric()).toBe(before + 1);
    await client.list(share.storageIndex);
    const told = (await readFile(server.log, 'utf8'))
      .split('\n')
      .filter((line) => line.includes('is damaged'));
    expect(new Set(told.map((line) => JSON.parse(line).share)).size).toBe(told.length);
  });

  it('is neither said to be there nor replaced: a client stores that share elsewhere', async () => {
    const share = await damage(overwrite(0, [7, 7, 7, 7]));
    const broken = await readFile(fileOf(share));
    const { client } = server;
    expect(await client.allocated(share.storageIndex, [0, 2], 1000)).toEqual([2]);
    expect((await client.write(share, { begin: 0, end: 1000 }, randomBytes(1000))).status).toBe(404);
    expect((await readFile(fileOf(share))).equals(broken)).toBe(true);
    // Its leases can still be renewed: they keep what is left of it from being collected.
    expect((await client.renew(share.storageIndex)).status).toBe(204);
  });

  it('stays apart after a restart, and is served again when the operator mended and released it', async () => {
    const { client } = server;
    const storageIndex = newIndex();
    const share = { storageIndex, shareNumber: 0 };
    const data = randomBytes(1000);
    await client.store(share, data);
    const whole = await readFile(fileOf(share));
    await truncate(fileOf(share), 7);
    expect(await client.list(storageIndex)).toEqual([]);
    await expect.poll(() => damagedRow(share)).toBeDefined();
    await writeFile(fileOf(share), whole);
    await server.stop();
    await server.start();
    expect(await client.list(storageIndex)).toEqual([]);
    const name = `${base32Encode(storageIndex)}/0`;
    const listed = JSON.parse(await damaged('--json')) as { share: string; file: string; foundBy: string }[];
    expect(listed.find((each) => each.share === name)).toMatchObject({
      file: fileOf(share),
      foundBy: 'read',
    });
    await expect(damaged('--release', `${name.slice(0, -1)}1`)).rejects.toThrow(
      'is not among the damaged shares',
    );
    await expect(damaged('--release', 'something')).rejects.toMatchObject({ code: 2 });
    expect(await damaged('--release', name)).toBe('Released 1 share.\n');
    await expect.poll(() => client.list(storageIndex), { timeout: 20_000 }).toEqual([0]);
    expect(data.equals((await client.read(share)).body)).toBe(true);
  });

  it('that became shorter under a reader breaks that answer off, and is kept apart', async () => {
    const { client } = server;
    const share = { storageIndex: newIndex(), shareNumber: 0 };
    await client.store(share, randomBytes(3_000_000));
    expect(await client.list(share.storageIndex)).toEqual([0]);
    await truncate(fileOf(share), 1_000_000);
    await expect(client.read(share)).rejects.toThrow();
    expect((await client.read(share)).status).toBe(404);
    await expect
      .poll(() => damagedRow(share))
      .toMatchObject({
        problem: 'the share file became shorter while it was read',
      });
    expect((await stat(fileOf(share))).size).toBe(1_000_000);
  });

  it('holding a mutable share is passed over by readers, and not written over by a write to its slot', async () => {
    const { client } = server;
    const share = { storageIndex: newIndex(), shareNumber: 0 };
    await client.storeMutable(share, randomBytes(1000));
    await client.storeMutable({ ...share, shareNumber: 1 }, randomBytes(1000));
    await truncate(fileOf(share), 300);
    expect(await client.listMutable(share.storageIndex)).toEqual([1]);
    expect((await client.readMutable(share)).status).toBe(404);
    await expect.poll(() => damagedRow(share)).toMatchObject({ found_by: 'read' });
    const { status } = await client.slot(share.storageIndex, {
      0: { write: [{ offset: 0, data: someBytes(9) }] },
    });
    expect(status).toBe(409);
    expect((await stat(fileOf(share))).size).toBe(300);
  });

  it('and is the only one of its slot keeps everybody from writing there, and its owner writes when it is mended', async () => {
    const { client } = server;
    const share = { storageIndex: newIndex(), shareNumber: 0 };
    await client.storeMutable(share, randomBytes(1000));
    const whole = await readFile(fileOf(share));
    await truncate(fileOf(share), 100);
    const write = { write: [{ offset: 0, data: someBytes(9) }] };
    const stranger = { writeEnabler: someBytes(32) };
    for (const options of [stranger, {}]) {
      const refused = await client.slot(share.storageIndex, { 1: write }, options);
      expect(refused.status).toBe(409);
      expect(Buffer.from(refused.body).toString('latin1')).toContain(
        'all shares at this storage index are damaged',
      );
    }
    // Nor does an immutable share come in beside it: what is mended would then be of two kinds.
    expect((await client.allocate(share.storageIndex, [5], 10)).status).toBe(409);
    await writeFile(fileOf(share), whole);
    await damaged('--release', `${base32Encode(share.storageIndex)}/0`);
    await expect.poll(() => client.listMutable(share.storageIndex), { timeout: 20_000 }).toEqual([0]);
    expect((await client.slot(share.storageIndex, { 1: write }, stranger)).status).toBe(401);
    expect((await client.slot(share.storageIndex, { 1: write })).status).toBe(200);
  });

  it('holding an immutable share lets no mutable one come in beside it, but other immutable ones', async () => {
    const { client } = server;
    const share = { storageIndex: newIndex(), shareNumber: 0 };
    await client.store(share, randomBytes(1000));
    await truncate(fileOf(share), 5);
    expect(await client.list(share.storageIndex)).toEqual([]);
    const slot = await client.slot(share.storageIndex, { 1: { write: [{ offset: 0, data: someBytes(9) }] } });
    expect(slot.status).toBe(409);
    expect(await client.allocated(share.storageIndex, [0, 1], 1000)).toEqual([1]);
  });

  it('of which no record tells what it was keeps out shares of either kind', async () => {
    const { client } = server;
    const share = { storageIndex: newIndex(), shareNumber: 3 };
    await mkdir(dirname(fileOf(share)), { recursive: true });
    await writeFile(fileOf(share), 'no share');
    expect((await client.allocate(share.storageIndex, [5], 10)).status).toBe(409);
    const slot = await client.slot(share.storageIndex, { 5: { write: [{ offset: 0, data: someBytes(9) }] } });
    expect(slot.status).toBe(409);
  });

  it('that nobody asks for is found by the walk after a start', async () => {
    const share = await damage(overwrite(0, [7, 7, 7, 7]));
    await server.stop();
    await server.start();
    await expect.poll(() => damagedRow(share), { timeout: 10_000 }).toMatchObject({ found_by: 'walk' });
    const unrecorded = { storageIndex: newIndex(), shareNumber: 3 };
    await mkdir(dirname(fileOf(unrecorded)), { recursive: true });
    await writeFile(fileOf(unrecorded), 'no share');
    await server.stop();
    await server.start();
    await expect.poll(() => damagedRow(unrecorded), { timeout: 10_000 }).toMatchObject({ found_by: 'walk' });
  });
});
