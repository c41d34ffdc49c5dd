import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  decodeAllocateAnswer,
  decodeCbor,
  decodeServerVersion,
  decodeWriteAnswer,
  encodeCorruptionReport,
  largestWholeShare,
  leaseRecordSize,
  matchesLeaseSecret,
  parseContainerHeader,
  parseLeaseRecords,
  sharePath,
  storageRoutes,
} from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newIndex } from './testing/new-shares.js';
import { secrets, type TestClient } from './testing/test-client.js';
import { startTestServer, type TestServer } from './testing/test-server.js';
import { text } from './testing/texts.js';

let server: TestServer;
let client: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  client = server.client;
});
afterAll(() => server?.[Symbol.asyncDispose]());

const newShare = (shareNumber = 0) => ({ storageIndex: newIndex(), shareNumber });

function newData(size: number): Uint8Array {
  return new Uint8Array(randomBytes(size));
}

describe('a share', () => {
  it('is stored and read, and lies in the container that Tahoe-LAFS writes', async () => {
    const share = newShare(7);
    const data = randomBytes(10_000);
    expect(await client.list(share.storageIndex)).toEqual([]);
    expect(await client.allocated(share.storageIndex, [7], data.length)).toEqual([7]);
    expect(await client.list(share.storageIndex)).toEqual([]);

    const { status, body } = await client.write(share, { begin: 0, end: data.length }, data);
    expect([status, decodeWriteAnswer(body)]).toEqual([201, []]);
    expect(await client.list(share.storageIndex)).toEqual([7]);
    const read = await client.read(share);
    expect(read.status).toBe(200);
    expect(read.headers['content-type']).toBe('application/octet-stream');
    expect(data.equals(read.body)).toBe(true);

    const file = await readFile(join(server.shares, sharePath(share.storageIndex, 7)));
    const layout = parseContainerHeader(file, file.length);
    expect(layout).toMatchObject({ version: 2, leaseCount: 1, dataSize: data.length });
    expect(file.length).toBe(layout.leasesOffset + leaseRecordSize);
    const [lease] = parseLeaseRecords(file.subarray(layout.leasesOffset), 1);
    expect(matchesLeaseSecret(lease!.renewSecret, secrets['lease-renew-secret'], 2)).toBe(true);
    expect(lease!.expiresAt).toBeGreaterThan(Date.now() / 1000 + 30 * 86_400);
  });

  it('is recorded with the lease of its uploader', async () => {
    const share = newShare(3);
    await client.store(share, randomBytes(100));
    const rows = await server.sql(
      `select shares.state, size::int, name, expires_at - renewed_at = interval '31 days' as month
         from storage.shares join storage.leases using (server, storage_index, share_number)
         join storage.accounts on accounts.key = account where storage_index = $1`,
      [share.storageIndex],
    );
    expect(rows).toEqual([{ state: 'stable', size: 100, name: 'anonymous', month: true }]);
  });

  it('may come whole with others in one request, and be read back so', async () => {
    const { storageIndex } = newShare();
    const shares = new Map([0, 7].map((number) => [number, newData(5_000)]));
    expect(await client.storeWhole(storageIndex, shares)).toEqual({
      alreadyHave: new Set(),
      stored: new Set([0, 7]),
    });
    expect(await client.readWhole(storageIndex)).toEqual({ shares, others: new Set() });
    for (const [shareNumber, data] of shares) {
      expect((await client.read({ storageIndex, shareNumber })).body).toEqual(data);
    }
    const rows = await server.sql(
      `select share_number, shares.state, size::int, name
         from storage.shares join storage.leases using (server, storage_index, share_number)
         join storage.accounts on accounts.key = account where storage_index = $1 order by 1`,
      [storageIndex],
    );
    expect(rows).toEqual(
      [0, 7].map((number) => ({ share_number: number, state: 'stable', size: 5_000, name: 'anonymous' })),
    );
  });

  it('that comes whole leaves alone what is there or on its way', async () => {
    const { storageIndex } = newShare();
    const [there, other] = [newData(100), newData(100)];
    await client.store({ storageIndex, shareNumber: 0 }, there);
    await client.allocated(storageIndex, [1], 100);
    const shares = new Map([0, 1, 2].map((number) => [number, other]));
    expect(await client.storeWhole(storageIndex, shares)).toEqual({
      alreadyHave: new Set([0]),
      stored: new Set([2]),
    });
    const { shares: now } = await client.readWhole(storageIndex);
    expect(now).toEqual(
      new Map([
        [0, there],
        [2, other],
      ]),
    );
  });

  it('that is large is listed beside the small ones that come with their data', async () => {
    const { storageIndex } = newShare();
    await client.store({ storageIndex, shareNumber: 0 }, newData(largestWholeShare + 1));
    const small = newData(largestWholeShare);
    await client.store({ storageIndex, shareNumber: 1 }, small);
    expect(await client.readWhole(storageIndex)).toEqual({
      shares: new Map([[1, small]]),
      others: new Set([0]),
    });
  });

  it('may come in pieces, in any order, twice, and from several requests at once', async () => {
    const share = newShare();
    const data = randomBytes(3_000_000);
    await client.allocated(share.storageIndex, [0], data.length);
    const write = (begin: number, end: number) =>
      client.write(share, { begin, end }, data.subarray(begin, end));

    expect(decodeWriteAnswer((await write(2_000_000, 3_000_000)).body)).toEqual([
      { begin: 0, end: 2_000_000 },
    ]);
    const again = await write(1_900_000, 2_500_000);
    expect(again.status).toBe(200);
    expect(decodeWriteAnswer(again.body)).toEqual([{ begin: 0, end: 1_900_000 }]);
    const statuses = await Promise.all([
      write(0, 700_000),
      write(500_000, 1_200_000),
      write(1_200_000, 1_900_000),
    ]);
    expect(statuses.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    expect(data.equals((await client.read(share)).body)).toBe(true);
  });

  it('may come without a Content-Length', async () => {
    const share = newShare();
    await client.allocated(share.storageIndex, [0], 6);
    async function* pieces() {
      yield Buffer.from('abc');
      yield Buffer.from('def');
    }
    const { status } = await client.write(share, { begin: 0, end: 6 }, pieces() as never);
    expect(status).toBe(201);
    expect(text((await client.read(share)).body)).toBe('abcdef');
  });

  it('that is larger than what is held in memory goes in and out whole', async () => {
    const share = newShare();
    const data = randomBytes(20_000_000);
    await client.store(share, data);
    expect(data.equals((await client.read(share)).body)).toBe(true);
    const range = { begin: 1_000_001, end: 15_000_003 };
    expect(data.subarray(range.begin, range.end).equals((await client.read(share, range)).body)).toBe(true);
  });
});

describe('overlapping writes that disagree', () => {
  it('are answered 409, and what was written first stays', async () => {
    const share = newShare();
    await client.allocated(share.storageIndex, [0], 30);
    await client.write(share, { begin: 0, end: 20 }, 'a'.repeat(20));
    const { status, body } = await client.write(share, { begin: 10, end: 30 }, 'b'.repeat(20));
    expect(status).toBe(409);
    expect(text(body)).toContain('bytes 10-19 differ');
    // The half of it that was new does not count as written either.
    const right = await client.write(share, { begin: 20, end: 30 }, 'c'.repeat(10));
    expect(right.status).toBe(201);
    expect(text((await client.read(share)).body)).toBe('a'.repeat(20) + 'c'.repeat(10));
  });
});

describe('allocate', () => {
  it('tells what is there, and renews its lease', async () => {
    const share = newShare(1);
    await client.store(share, randomBytes(10));
    await server.sql(`update storage.leases set expires_at = now() where storage_index = $1`, [
      share.storageIndex,
    ]);
    const { body } = await client.allocate(share.storageIndex, [1, 2], 10);
    expect(decodeAllocateAnswer(body)).toEqual({ alreadyHave: new Set([1]), allocated: new Set([2]) });
    const [lease] = await server.sql<{ fresh: boolean }>(
      `select expires_at > now() + interval '30 days' as fresh from storage.leases where storage_index = $1`,
      [share.storageIndex],
    );
    expect(lease?.fresh).toBe(true);
  });

  it('repeated gives the same answer; with another upload secret the share stays with the first', async () => {
    const share = newShare(5);
    expect(await client.allocated(share.storageIndex, [5], 10)).toEqual([5]);
    expect(await client.allocated(share.storageIndex, [5], 10)).toEqual([5]);
    const other = await client.allocate(share.storageIndex, [5, 6], 10, randomBytes(20));
    expect(decodeAllocateAnswer(other.body)).toEqual({ alreadyHave: new Set(), allocated: new Set([6]) });
  });

  it('gives room to no share that is larger than the disk', async () => {
    const { status, body } = await client.allocate(newIndex(), [0, 1], 2 ** 50);
    expect(status).toBe(200);
    expect(decodeAllocateAnswer(body)).toEqual({ alreadyHave: new Set(), allocated: new Set() });
  });

  it('to many at once gives each share to one', async () => {
    const storageIndex = newIndex();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => client.allocate(storageIndex, [0, 1, 2], 10, randomBytes(20))),
    );
    const numbers = answers.flatMap(({ body }) => [...decodeAllocateAnswer(body).allocated]);
    expect(numbers.sort()).toEqual([0, 1, 2]);
  });
});

describe('abort', () => {
  it('forgets the upload, and the share can be allocated again', async () => {
    const share = newShare();
    await client.allocated(share.storageIndex, [0], 10);
    await client.write(share, { begin: 0, end: 5 }, '12345');
    expect((await client.abort(share, randomBytes(20))).status).toBe(401);
    expect((await client.abort(share)).status).toBe(200);
    expect((await client.write(share, { begin: 5, end: 10 }, '67890')).status).toBe(404);
    expect(
      await server.sql('select from storage.shares where storage_index = $1', [share.storageIndex]),
    ).toEqual([]);
    await client.store(share, Buffer.from('abcdefghij'));
    expect(text((await client.read(share)).body)).toBe('abcdefghij');
  });

  it('of nothing is 404, of a stored share 405', async () => {
    const share = newShare();
    expect((await client.abort(share)).status).toBe(404);
    await client.store(share, randomBytes(10));
    expect((await client.abort(share)).status).toBe(405);
    expect(await client.list(share.storageIndex)).toEqual([0]);
  });
});

describe('reading', () => {
  const share = newShare();
  const data = randomBytes(100);
  beforeAll(() => client.store(share, data));

  it.each([
    ['bytes=0-9', 206, 'bytes 0-9/*', data.subarray(0, 10)],
    ['bytes=90-200', 206, 'bytes 90-99/*', data.subarray(90)],
    ['bytes=100-200', 204, undefined, Buffer.alloc(0)],
  ])('Range %s: %i', async (range, status, contentRange, expected) => {
    const answer = await client.read(share, range);
    expect([answer.status, answer.headers['content-range']]).toEqual([status, contentRange]);
    expect(expected.equals(answer.body)).toBe(true);
  });

  it.each(['bytes=5-', 'bytes=-5', 'bytes=0-1,5-6', 'bytes=9-3', 'lines=1-2', 'nonsense'])(
    'Range %s: 416',
    async (range) => {
      expect((await client.read(share, range)).status).toBe(416);
    },
  );

  it('of an unknown share is 404', async () => {
    expect((await client.read({ ...share, shareNumber: 1 })).status).toBe(404);
    expect((await client.read(newShare(), 'bytes=0-1')).status).toBe(404);
  });
});

describe('leases', () => {
  it('are renewed, and made for shares that lost theirs', async () => {
    const share = newShare();
    await client.store(share, randomBytes(10));
    await server.sql('delete from storage.leases where storage_index = $1', [share.storageIndex]);
    expect((await client.renew(share.storageIndex)).status).toBe(204);
    const many = await Promise.all(Array.from({ length: 20 }, () => client.renew(share.storageIndex)));
    expect(many.every(({ status }) => status === 204)).toBe(true);
    expect(
      await server.sql('select from storage.leases where storage_index = $1', [share.storageIndex]),
    ).toHaveLength(1);
  });

  it('on a share without a record make the record', async () => {
    const share = newShare();
    await client.store(share, randomBytes(10));
    await server.sql('delete from storage.leases where storage_index = $1', [share.storageIndex]);
    await server.sql('delete from storage.shares where storage_index = $1', [share.storageIndex]);
    expect((await client.renew(share.storageIndex)).status).toBe(204);
    const rows = await server.sql(
      `select name from storage.leases join storage.accounts on accounts.key = account where storage_index = $1 order by 1`,
      [share.storageIndex],
    );
    expect(rows).toEqual([{ name: 'anonymous' }, { name: 'starter' }]);
  });

  it('on nothing are 404', async () => {
    expect((await client.renew(newIndex())).status).toBe(404);
  });
});

describe('a corruption report', () => {
  it('is kept for the operator', async () => {
    const share = newShare();
    await client.store(share, randomBytes(10));
    const path = storageRoutes.reportCorruption.path(share);
    const headers = { 'content-type': 'application/cbor' };
    const { status } = await client.request('POST', path, {
      headers,
      body: encodeCorruptionReport('bad \0 hash'),
    });
    expect(status).toBe(200);
    const rows = await server.sql('select reason from storage.corruption_reports where storage_index = $1', [
      share.storageIndex,
    ]);
    expect(rows).toEqual([{ reason: 'bad � hash' }]);
    // As long as Tahoe-LAFS lets it be.
    const body = encodeCorruptionReport('é'.repeat(16_000));
    expect((await client.request('POST', path, { headers, body })).status).toBe(200);
    const unknown = storageRoutes.reportCorruption.path(newShare());
    expect(
      (await client.request('POST', unknown, { headers, body: encodeCorruptionReport('x') })).status,
    ).toBe(404);
  });
});

describe('version', () => {
  it('tells the space that there is', async () => {
    const { status, headers, body } = await client.request('GET', '/storage/v1/version');
    expect([status, headers['content-type']]).toEqual([200, 'application/cbor']);
    const version = decodeServerVersion(body);
    expect(version.applicationVersion).toMatch(/^holdfast\/\d/);
    expect(version.availableSpace).toBeGreaterThan(0n);
    expect(
      [...(decodeCbor(body) as Map<unknown, unknown>).keys()].every((key) => key instanceof Uint8Array),
    ).toBe(true);
  });

  it('counts what is promised', async () => {
    const free = async () =>
      decodeServerVersion((await client.request('GET', '/storage/v1/version')).body).availableSpace;
    const share = newShare();
    const before = await free();
    await client.allocated(share.storageIndex, [0], 10_000_000_000);
    expect(before - (await free())).toBeGreaterThan(9_000_000_000n);
    await client.abort(share);
    expect(before - (await free())).toBeLessThan(1_000_000_000n);
  });
});
