import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  encodeCorruptionReport,
  mutableContainerSize,
  parseMutableHeader,
  sharePath,
  storageRoutes,
} from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newIndex } from '../testing/new-shares.js';
import { is, write } from '../testing/slot-changes.js';
import { type TestClient, writeEnabler } from '../testing/test-client.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { bytes, text } from '../testing/texts.js';
import { journalFolder } from './slot-journal.js';

let server: TestServer;
let client: TestClient;
beforeAll(async () => {
  server = await startTestServer({
    settings: { shares: { path: 'shares', reserved_space: 0, largest_mutable: '3MB' } },
  });
  client = server.client;
});
afterAll(() => server?.[Symbol.asyncDispose]());

const contents = async (storageIndex: Uint8Array, shareNumber = 0) =>
  text((await client.readMutable({ storageIndex, shareNumber })).body);
const rowsOf = (storageIndex: Uint8Array) =>
  server.sql(
    `select share_number, state, kind, size::int, account
       from storage.shares left join storage.leases using (server, storage_index, share_number)
      where storage_index = $1 order by 1, 5`,
    [storageIndex],
  );

describe('read-test-write', () => {
  it('makes a slot, and gives the client a lease', async () => {
    const slot = newIndex();
    const { status, result } = await client.slot(slot, {
      3: { test: [is('', 1)], write: [write(0, 'hello')] },
      7: { write: [write(2, 'x')] },
    });
    expect([status, result]).toEqual([200, { success: true, data: new Map() }]);
    expect(await client.listMutable(slot)).toEqual([3, 7]);
    expect(await contents(slot, 3)).toBe('hello');
    expect(await contents(slot, 7)).toBe('\0\0x');
    expect(await rowsOf(slot)).toEqual([
      { share_number: 3, state: 'stable', kind: 'mutable', size: 5, account: 1 },
      { share_number: 7, state: 'stable', kind: 'mutable', size: 3, account: 1 },
    ]);
  });

  it('reads every share of the slot as it was before, up to what there is', async () => {
    const slot = newIndex();
    await client.slot(slot, { 0: { write: [write(0, 'zero')] }, 1: { write: [write(0, 'one')] } });
    const { result } = await client.slot(
      slot,
      { 0: { write: [write(0, 'NULL')] }, 2: { write: [write(0, 'two')] } },
      {
        read: [
          { offset: 0, size: 2 },
          { offset: 3, size: 2 ** 52 },
          { offset: 9, size: 1 },
          { offset: 0, size: 0 },
        ],
      },
    );
    expect(result.success).toBe(true);
    const read = [...result.data].map(([number, data]) => [number, data.map(text)]);
    expect(read).toEqual([
      [0, ['ze', 'o', '', '']],
      [1, ['on', '', '', '']],
    ]);
    expect(await contents(slot, 0)).toBe('NULL');
  });

  it('changes no share where the test of one does not hold, and gives no lease', async () => {
    const slot = newIndex();
    await client.slot(slot, { 0: { write: [write(0, 'zero')] }, 1: { write: [write(0, 'one')] } });
    await server.sql('delete from storage.leases where storage_index = $1', [slot]);
    const { status, result } = await client.slot(
      slot,
      { 0: { test: [is('zero')], write: [write(0, 'ZERO')] }, 2: { test: [is('x')], newLength: 0 } },
      { read: [{ offset: 0, size: 4 }] },
    );
    expect([status, result.success, text(result.data.get(0)?.[0] ?? bytes(''))]).toEqual([
      200,
      false,
      'zero',
    ]);
    expect(await contents(slot, 0)).toBe('zero');
    expect(await rowsOf(slot)).toMatchObject([{ account: null }, { account: null }]);
  });

  it('does writes in their order, and cuts to the new length after them', async () => {
    const slot = newIndex();
    await client.slot(slot, { 0: { write: [write(0, 'aaaaaa'), write(2, 'bb'), write(3, 'ccccc')] } });
    expect(await contents(slot)).toBe('aabccccc');
    await client.slot(slot, { 0: { write: [write(1, 'XXXXXX')], newLength: 4 } });
    expect(await contents(slot)).toBe('aXXX');
    await client.slot(slot, { 0: { newLength: 100 } });
    expect(await contents(slot)).toBe('aXXX');
    await client.slot(slot, { 0: { write: [write(6, 'z')] } });
    expect(await contents(slot)).toBe('aXXX\0\0z');
    expect(await rowsOf(slot)).toMatchObject([{ size: 7 }]);
  });

  it('with new length 0 deletes shares, their records and leases, and leaves nothing of the last', async () => {
    const slot = newIndex();
    await client.slot(slot, { 0: { write: [write(0, 'zero')] }, 1: { write: [write(0, 'one')] } });
    await client.slot(slot, { 1: { write: [write(0, 'never')], newLength: 0 }, 5: { newLength: 0 } });
    expect(await client.listMutable(slot)).toEqual([0]);
    expect(await rowsOf(slot)).toMatchObject([{ share_number: 0 }]);
    await client.slot(slot, { 0: { newLength: 0 } });
    expect(await client.listMutable(slot)).toEqual([]);
    expect(await rowsOf(slot)).toEqual([]);
    const bucket = dirname(join(server.shares, sharePath(slot, 0)));
    await expect(stat(bucket)).rejects.toThrow('ENOENT');
    expect((await client.renew(slot)).status).toBe(404);
    // And it can be made anew, by whoever comes first.
    const { status } = await client.slot(
      slot,
      { 0: { write: [write(0, 'new')] } },
      { writeEnabler: randomBytes(32) },
    );
    expect(status).toBe(200);
  });

  it('with another write enabler is 401, also where it only reads, and changes nothing', async () => {
    const slot = newIndex();
    await client.slot(slot, { 0: { write: [write(0, 'mine')] } });
    const other = { writeEnabler: randomBytes(32), read: [{ offset: 0, size: 4 }] };
    for (const changes of [{ 0: { write: [write(0, 'ours')] } }, { 1: { write: [write(0, 'ours')] } }, {}]) {
      const { status, body } = await client.slot(slot, changes, other);
      expect([status, text(body)]).toEqual([401, 'this slot was made with another write enabler\n']);
    }
    expect(await client.listMutable(slot)).toEqual([0]);
    expect(await contents(slot)).toBe('mine');
  });

  it('of a slot that is not there reads nothing, and makes nothing', async () => {
    const slot = newIndex();
    const { result } = await client.slot(slot, {}, { read: [{ offset: 0, size: 10 }] });
    expect(result).toEqual({ success: true, data: new Map() });
    await client.slot(slot, { 4: { newLength: 0 } });
    expect(await client.listMutable(slot)).toEqual([]);
  });

  it('of a share without a change renews the lease only', async () => {
    const slot = newIndex();
    await client.slot(slot, { 0: { write: [write(0, 'zero')] }, 1: { write: [write(0, 'one')] } });
    await server.sql('delete from storage.leases where storage_index = $1', [slot]);
    const path = join(server.shares, sharePath(slot, 0));
    const before = await stat(path);
    expect((await client.slot(slot, { 0: { test: [is('zero')] } })).result.success).toBe(true);
    expect((await stat(path)).ino).toBe(before.ino);
    expect(await rowsOf(slot)).toMatchObject([{ account: 1 }, { account: null }]);
  });

  it('writes a large share, and changes a few bytes of it', async () => {
    const slot = newIndex();
    const data = new Uint8Array(randomBytes(3_000_000));
    await client.storeMutable({ storageIndex: slot, shareNumber: 0 }, data);
    await client.slot(slot, { 0: { write: [write(1_048_570, 'across a window')] } });
    data.set(bytes('across a window'), 1_048_570);
    const { status, body } = await client.readMutable({ storageIndex: slot, shareNumber: 0 });
    expect([status, Buffer.compare(body, data)]).toEqual([200, 0]);
  });
});

describe('reading', () => {
  const slot = newIndex();
  const share = { storageIndex: slot, shareNumber: 2 };
  beforeAll(() => client.storeMutable(share, bytes('0123456789')));

  it.each([
    ['bytes=0-3', 206, 'bytes 0-3/*', '0123'],
    ['bytes=8-200', 206, 'bytes 8-9/*', '89'],
    ['bytes=10-20', 204, undefined, ''],
  ])('Range %s: %i', async (range, status, contentRange, expected) => {
    const answer = await client.readMutable(share, range);
    expect([answer.status, answer.headers['content-range'], text(answer.body)]).toEqual([
      status,
      contentRange,
      expected,
    ]);
  });

  it.each(['bytes=5-', 'bytes=-5', 'bytes=0-1,5-6'])('Range %s: 416', async (range) => {
    expect((await client.readMutable(share, range)).status).toBe(416);
  });

  it('of a share that is not there is 404; of one without data empty', async () => {
    expect((await client.readMutable({ ...share, shareNumber: 1 })).status).toBe(404);
    const empty = newIndex();
    await client.slot(empty, { 0: {} });
    const answer = await client.readMutable({ storageIndex: empty, shareNumber: 0 });
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
  });

  it('gets one version, however long it takes and whatever is written meanwhile', async () => {
    const large = { storageIndex: newIndex(), shareNumber: 0 };
    const versions = Array.from({ length: 12 }, (_, version) => new Uint8Array(2_900_000).fill(version));
    await client.storeMutable(large, versions[0] as Uint8Array);
    const readers = Array.from({ length: 12 }, () => client.readMutable(large));
    for (const version of versions) await client.storeMutable(large, version);
    for (const { body } of await Promise.all(readers)) {
      expect(versions.some((version) => Buffer.compare(version, body) === 0)).toBe(true);
    }
  });
});

describe('a corruption report', () => {
  it('of a mutable share is kept while the share is there; of none is 404', async () => {
    const slot = newIndex();
    await client.slot(slot, { 1: { write: [write(0, 'x')] } });
    const report = (shareNumber: number) =>
      client.request(
        'POST',
        storageRoutes.reportMutableCorruption.path({ storageIndex: slot, shareNumber }),
        {
          headers: { 'content-type': 'application/cbor' },
          body: encodeCorruptionReport('bad signature'),
        },
      );
    expect((await report(1)).status).toBe(200);
    expect((await report(2)).status).toBe(404);
    const kept = () =>
      server.sql('select share_number, reason from storage.corruption_reports where storage_index = $1', [
        slot,
      ]);
    expect(await kept()).toEqual([{ share_number: 1, reason: 'bad signature' }]);
    await client.slot(slot, { 1: { newLength: 0 } });
    expect(await kept()).toEqual([]);
  });
});

describe('many writers of one slot', () => {
  it('at each version one wins, and all who lose see what they lost to', { timeout: 120_000 }, async () => {
    const slot = newIndex();
    const shares = [0, 1, 2];
    const padded = (value: string) => value.padEnd(12);
    await client.slot(
      slot,
      Object.fromEntries(shares.map((number) => [number, { write: [write(0, padded('0'))] }])),
    );
    const won: number[] = [];
    const writer = async (name: number) => {
      for (let wins = 0, version = padded('0'); wins < 3; ) {
        const next = padded(`${Number(version.split(' ')[0]) + 1} by ${name}`);
        const { status, result } = await client.slot(
          slot,
          Object.fromEntries(
            shares.map((number) => [number, { test: [is(version)], write: [write(0, next)] }]),
          ),
          { read: [{ offset: 0, size: 12 }] },
        );
        expect(status).toBe(200);
        const seen = new Set([...result.data.values()].map((data) => text(data[0] as Uint8Array)));
        expect(seen.size).toBe(1);
        if (result.success) {
          expect([...seen]).toEqual([version]);
          wins++;
          won.push(Number(next.split(' ')[0]));
          version = next;
        } else version = [...seen][0] as string;
      }
    };
    await Promise.all(Array.from({ length: 32 }, (_, name) => writer(name)));
    expect(won.sort((a, b) => a - b)).toEqual(Array.from({ length: 96 }, (_, index) => index + 1));
    expect(await contents(slot)).toMatch(/^96 by/);
  });
});

describe('what is kept', () => {
  it('is a container of the newest version, with one lease of each account, whoever writes how often', async () => {
    const share = { storageIndex: newIndex(), shareNumber: 0 };
    const path = join(server.shares, sharePath(share.storageIndex, 0));
    for (const data of ['long enough', 'shorter', 'x'.repeat(600)]) {
      await client.storeMutable(share, bytes(data));
      const file = await readFile(path);
      expect(file.length).toBe(mutableContainerSize(data.length, 1));
      const { version, dataSize, leases } = parseMutableHeader(file, file.length);
      expect([version, dataSize, leases.map(({ owner }) => owner)]).toEqual([2, data.length, [1]]);
    }
    expect(await readdir(join(server.shares, journalFolder))).toEqual([]);
  });

  it('where it is damaged is passed over, and never written over', async () => {
    const slot = newIndex();
    const changes = { 0: { write: [write(0, 'zero')] }, 1: { write: [write(0, 'one')] } };
    await client.slot(slot, changes);
    const path = join(server.shares, sharePath(slot, 0));
    await truncate(path, 470);
    expect(await client.listMutable(slot)).toEqual([1]);
    expect((await client.readMutable({ storageIndex: slot, shareNumber: 0 })).status).toBe(404);
    expect((await client.slot(slot, changes)).status).toBe(409);
    expect(await contents(slot, 1)).toBe('one');
    expect((await stat(path)).size).toBe(470);
    expect((await client.slot(slot, { 1: { write: [write(0, 'two')] } })).status).toBe(200);
  });
});

describe('renewal', () => {
  it('gives a lease on mutable shares', async () => {
    const slot = newIndex();
    await client.slot(slot, { 0: { write: [write(0, 'zero')] }, 1: { write: [write(0, 'one')] } });
    await server.sql('delete from storage.leases where storage_index = $1', [slot]);
    expect((await client.renew(slot)).status).toBe(204);
    expect(await rowsOf(slot)).toMatchObject([{ account: 1 }, { account: 1 }]);
  });
});

describe('a share without a record', () => {
  it('gets one, of its kind, when a lease on it is renewed', async () => {
    const slot = newIndex();
    await client.slot(slot, { 0: { write: [write(0, 'zero')] } });
    await server.sql('delete from storage.leases where storage_index = $1', [slot]);
    await server.sql('delete from storage.shares where storage_index = $1', [slot]);
    expect((await client.renew(slot)).status).toBe(204);
    const rows = (await rowsOf(slot)) as { account: number }[];
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toMatchObject({ state: 'stable', kind: 'mutable', size: 4 });
    expect(rows.map(({ account }) => account)).toContain(1);
  });

  it('is written all the same, and has one then', async () => {
    const slot = newIndex();
    await client.slot(slot, { 0: { write: [write(0, 'zero')] }, 1: { write: [write(0, 'one')] } });
    await server.sql('delete from storage.leases where storage_index = $1', [slot]);
    await server.sql('delete from storage.shares where storage_index = $1', [slot]);
    expect((await client.slot(slot, { 0: { write: [write(0, 'ZERO!')] }, 1: { newLength: 0 } })).status).toBe(
      200,
    );
    expect(await rowsOf(slot)).toEqual([
      { share_number: 0, state: 'stable', kind: 'mutable', size: 5, account: 1 },
    ]);
    expect(await client.listMutable(slot)).toEqual([0]);
  });
});

describe('a share that is being removed', () => {
  it('is not written any more, and keeps none of its slot from being written', async () => {
    const slot = newIndex();
    await client.slot(slot, { 0: { write: [write(0, 'zero')] }, 1: { write: [write(0, 'one')] } });
    await server.sql('delete from storage.leases where storage_index = $1 and share_number = 0', [slot]);
    await server.sql(
      `update storage.shares set state = 'going' where storage_index = $1 and share_number = 0`,
      [slot],
    );
    const both = { 0: { write: [write(0, 'ZERO')] }, 1: { write: [write(0, 'ONE')] } };
    expect((await client.slot(slot, both)).status).toBe(409);
    expect(await contents(slot, 1)).toBe('one');
    expect((await client.slot(slot, { 1: { write: [write(0, 'ONE')] } })).status).toBe(200);
    expect(await contents(slot, 1)).toBe('ONE');
    expect(await rowsOf(slot)).toMatchObject([{ state: 'going' }, { state: 'stable', account: 1 }]);
    expect(await readdir(join(server.shares, journalFolder))).toEqual([]);
  });
});

describe('the log', () => {
  it('has no write enabler in it', async () => {
    const log = await readFile(server.log, 'utf8');
    expect(log).toContain('serving shares');
    for (const form of ['base64', 'hex'] as const) expect(log).not.toContain(writeEnabler.toString(form));
  });
});
