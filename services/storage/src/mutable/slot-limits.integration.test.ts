import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeServerVersion, encodeReadTestWriteRequest, storageRoutes } from '@holdfast/lafs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newIndex } from '../testing/new-shares.js';
import { is, write } from '../testing/slot-changes.js';
import { secrets, type TestClient, writeEnabler } from '../testing/test-client.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { text } from '../testing/texts.js';
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

describe('limits', () => {
  it('a share larger than advertised is 413, and nothing is left of it', async () => {
    const { body } = await client.request('GET', '/storage/v1/version');
    expect(decodeServerVersion(body).maximumMutableShareSize).toBe(3_000_000n);
    const slot = newIndex();
    for (const change of [
      { write: [write(3_000_000, 'x')] },
      { write: [write(Number.MAX_SAFE_INTEGER, 'x')] },
    ]) {
      expect((await client.slot(slot, { 0: { write: [write(0, 'x')] }, 1: change })).status).toBe(413);
    }
    expect(await client.listMutable(slot)).toEqual([]);
    const whole = { write: [{ offset: 0, data: new Uint8Array(4_500_000) }] };
    expect((await client.slot(slot, { 0: whole })).status).toBe(413);
  });

  it('a few bytes that make much of many shares are 413', async () => {
    const far = { write: [write(2_999_999, 'x')] };
    const slot = newIndex();
    expect((await client.slot(slot, { 0: far, 1: far, 2: far, 3: far, 4: far })).status).toBe(413);
    expect((await client.slot(slot, { 0: far, 1: far, 2: far, 3: far })).status).toBe(200);
  });

  it('a slot has 256 shares at most', async () => {
    const slot = newIndex();
    const many = Object.fromEntries(
      Array.from({ length: 256 }, (_, number) => [number, { write: [write(0, 'x')] }]),
    );
    expect((await client.slot(slot, many)).status).toBe(200);
    expect((await client.slot(slot, { 1000: { write: [write(0, 'x')] } })).status).toBe(400);
    expect((await client.slot(slot, { 1000: { write: [write(0, 'x')] }, 7: { newLength: 0 } })).status).toBe(
      200,
    );
  });

  it('more than is to be read at once is 413', async () => {
    const slot = newIndex();
    await client.storeMutable({ storageIndex: slot, shareNumber: 0 }, new Uint8Array(2_000_000));
    const all = { offset: 0, size: 2_000_000 };
    expect((await client.slot(slot, {}, { read: Array(3).fill(all) })).status).toBe(413);
    expect((await client.slot(slot, {}, { read: Array(2).fill(all) })).status).toBe(200);
  });
});

describe('requests of the wrong form', () => {
  it('are told 4xx, whatever is wrong with them, and the server goes on', async () => {
    const slot = newIndex();
    const good = encodeReadTestWriteRequest({
      changes: new Map([
        [0, { test: [is('zero')], write: [write(0, 'ZERO'), write(9, 'more')], newLength: 9 }],
        [3, { test: [], write: [write(2, 'three')], newLength: null }],
      ]),
      read: [{ offset: 1, size: 2 }],
    });
    const { 'upload-secret': _, ...lease } = secrets;
    const post = (body: Uint8Array) =>
      client.request('POST', storageRoutes.readTestWrite.path({ storageIndex: slot }), {
        headers: { 'content-type': 'application/cbor' },
        secrets: { ...lease, 'write-enabler': writeEnabler },
        body,
      });
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(good.length),
        fc.boolean(),
        async (changes, cut, whole) => {
          const bad = Uint8Array.from(good.subarray(0, whole ? good.length : cut));
          for (const [at, byte] of changes) if (bad.length > 0) bad[at % bad.length] = byte;
          const { status } = await post(bad);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          expect([200, 400, 413]).toContain(status);
        },
      ),
      { numRuns: 1_000 },
    );
    expect(statuses.get(400)).toBeGreaterThan(500);
    expect((await client.slot(newIndex(), { 0: { write: [write(0, 'x')] } })).status).toBe(200);
  });
});

describe('clients that send slowly', () => {
  it('hold no memory that others wait for, and leave nothing when they go', async () => {
    const data = new Uint8Array(3_000_000);
    const body = encodeReadTestWriteRequest({
      changes: new Map([[0, { test: [], write: [{ offset: 0, data }], newLength: null }]]),
      read: [],
    });
    const { 'upload-secret': _, ...lease } = secrets;
    const headers = { 'content-type': 'application/cbor', 'content-length': String(body.length) };
    let goAway = () => {};
    const gone = new Promise<void>((resolve) => {
      goAway = resolve;
    });
    async function* halfway() {
      yield body.subarray(0, 1_000_000);
      await gone;
      throw new Error('gone');
    }
    const slow = Array.from({ length: 6 }, () =>
      client.request('POST', storageRoutes.readTestWrite.path({ storageIndex: newIndex() }), {
        headers,
        secrets: { ...lease, 'write-enabler': writeEnabler },
        body: halfway() as never,
      }),
    );
    const settled = Promise.allSettled(slow);
    await Promise.all(
      Array.from({ length: 4 }, () =>
        client.storeMutable({ storageIndex: newIndex(), shareNumber: 0 }, data),
      ),
    );
    goAway();
    expect((await settled).every(({ status }) => status === 'rejected')).toBe(true);
    expect(await readdir(join(server.shares, 'incoming'))).toEqual([]);
    await client.storeMutable({ storageIndex: newIndex(), shareNumber: 0 }, data);
  });
});

describe('usage', () => {
  it('is the sum over the leases after any changes, and nothing stays promised to anybody', async () => {
    await using fresh = await startTestServer();
    const slots = [newIndex(), newIndex(), newIndex()];
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        for (let step = 0; step < 15; step++) {
          const slot = slots[Math.floor(Math.random() * slots.length)] as Uint8Array;
          const changes = Object.fromEntries(
            [0, 1, 2]
              .filter(() => Math.random() < 0.6)
              .map((number) => [
                number,
                {
                  write: [write(Math.floor(Math.random() * 500), 'some data')],
                  newLength: [null, 0, 200][Math.floor(Math.random() * 3)] as number | null,
                },
              ]),
          );
          expect((await fresh.client.slot(slot, changes)).status).toBe(200);
        }
      }),
    );
    await Promise.all(slots.map((slot) => fresh.client.slot(slot, { 9: { write: [write(0, 'the last')] } })));
    const totals = await fresh.sql('select account, bytes, shares, promised from storage.usage_totals');
    const counted = await fresh.sql(
      `select account, sum(size)::bigint as bytes, count(*) as shares, 0::bigint as promised
         from storage.leases join storage.shares using (server, storage_index, share_number) group by account`,
    );
    expect(counted).toHaveLength(1);
    expect(totals).toEqual(counted);
    for (const slot of slots) {
      const sizes = await Promise.all(
        (await fresh.client.listMutable(slot)).map(async (shareNumber) => ({
          share_number: shareNumber,
          size: (await fresh.client.readMutable({ storageIndex: slot, shareNumber })).body.length,
        })),
      );
      const recorded = await fresh.sql(
        'select share_number, size::int from storage.shares where storage_index = $1 order by 1',
        [slot],
      );
      expect(recorded).toEqual(sizes);
    }
  });
});

describe('a quota', () => {
  it('is kept to the byte where shares are made, grow and get a lease, and what it refuses changes nothing', async () => {
    await using fresh = await startTestServer();
    const setQuota = (bytes: number) =>
      fresh.sql(`update storage.accounts set quota = $1 where name = 'anonymous'`, [bytes]);
    const used = () =>
      fresh.sql('select bytes::int, shares::int, promised::int from storage.usage_totals where account = 1');
    await setQuota(1_000);
    const slot = newIndex();
    const change = (size: number) => ({
      write: [{ offset: 0, data: new Uint8Array(size) }],
      newLength: size,
    });
    expect((await fresh.client.slot(slot, { 0: change(600), 1: change(401) })).status).toBe(507);
    expect(await fresh.client.listMutable(slot)).toEqual([]);
    expect((await fresh.client.slot(slot, { 0: change(600), 1: change(400) })).status).toBe(200);
    const { status, body } = await fresh.client.slot(slot, { 0: change(601) });
    expect([status, text(body)]).toEqual([507, expect.stringContaining('the quota of this account')]);
    expect(await used()).toEqual([{ bytes: 1_000, shares: 2, promised: 0 }]);
    expect((await fresh.client.slot(slot, { 0: change(700), 1: change(300) })).status).toBe(200);
    expect((await fresh.client.slot(slot, { 0: change(1_000), 1: { newLength: 0 } })).status).toBe(200);
    expect((await fresh.client.slot(slot, { 0: change(600), 1: change(400) })).status).toBe(200);
    expect(await used()).toEqual([{ bytes: 1_000, shares: 2, promised: 0 }]);
    // What makes it use no more is taken, also over the quota.
    await setQuota(10);
    expect((await fresh.client.slot(slot, { 0: change(600), 1: change(100) })).status).toBe(200);
    expect((await fresh.client.slot(slot, { 1: { newLength: 0 } })).status).toBe(200);
    expect(await used()).toEqual([{ bytes: 600, shares: 1, promised: 0 }]);
    // A lease on what another stored counts too.
    await fresh.sql(`update storage.leases set account = 2`);
    await fresh.sql(`update storage.usage_totals set account = 2`);
    expect((await fresh.client.slot(slot, { 0: {} })).status).toBe(507);
    await setQuota(600);
    expect((await fresh.client.slot(slot, { 0: {} })).status).toBe(200);
    expect(await used()).toEqual([{ bytes: 600, shares: 1, promised: 0 }]);
    expect(await readdir(join(fresh.shares, journalFolder))).toEqual([]);
  });

  it('holds under many writers of many slots', async () => {
    await using fresh = await startTestServer();
    await fresh.sql(`update storage.accounts set quota = 10500 where name = 'anonymous'`);
    const answers = await Promise.all(
      Array.from({ length: 30 }, () =>
        fresh.client.slot(newIndex(), { 0: { write: [{ offset: 0, data: new Uint8Array(1_000) }] } }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 507)).toHaveLength(20);
    expect(
      await fresh.sql('select bytes::int, promised::int from storage.usage_totals where account = 1'),
    ).toEqual([{ bytes: 10_000, promised: 0 }]);
  });
});
