import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createDatabase, freePort, startPostgres, temporaryFolder } from '@holdfast/lab';
import { base32Encode, encodeMutableContainer } from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilDisconnected } from '../testing/check-load.js';
import { newIndex } from '../testing/new-shares.js';
import { writeEnabler } from '../testing/test-client.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { bytes } from '../testing/texts.js';
import { journalFolder, SlotJournal } from './slot-journal.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.[Symbol.asyncDispose]());

/** A version of a share: its number, and filling that depends on it, so that a mixture shows. */
function version(number: number, share: number): Uint8Array {
  const size = 20 + ((number * 7_919 + share * 104_729) % 60_000);
  return Buffer.concat([
    Buffer.from(`${number} `.padEnd(20)),
    Buffer.alloc(size - 20, `${number}.${share}.`),
  ]);
}

async function readSlot(storageIndex: Uint8Array): Promise<Map<number, Uint8Array>> {
  const shares = new Map<number, Uint8Array>();
  for (const shareNumber of await server.client.listMutable(storageIndex)) {
    shares.set(shareNumber, (await server.client.readMutable({ storageIndex, shareNumber })).body);
  }
  return shares;
}

/** What differs between the records and what a client can read. */
async function checkRecords(storageIndex: Uint8Array): Promise<void> {
  const rows = await server.sql<{ share_number: number; state: string; size: number; leases: number }>(
    `select share_number, state, size::int, (select count(*)::int from storage.leases
        where leases.storage_index = shares.storage_index and leases.share_number = shares.share_number) as leases
       from storage.shares where storage_index = $1 order by 1`,
    [storageIndex],
  );
  const shares = [...(await readSlot(storageIndex))];
  expect(rows).toEqual(
    shares.map(([share_number, data]) => ({ share_number, state: 'stable', size: data.length, leases: 1 })),
  );
}

async function checkTotals(): Promise<void> {
  const totals = await server.sql(
    `select account, bytes, shares, promised from storage.usage_totals where shares <> 0 or bytes <> 0 or promised <> 0`,
  );
  const counted = await server.sql(
    `select account, sum(size)::bigint as bytes, count(*) as shares, 0::bigint as promised
       from storage.leases join storage.shares using (server, storage_index, share_number) group by account`,
  );
  expect(totals).toEqual(counted);
}

describe('a server killed by SIGKILL while slots are written', () => {
  it('has one version in all shares of each: what it acknowledged last, or what was under way', {
    timeout: 180_000,
  }, async () => {
    const { client } = server;
    const slots = Array.from({ length: 8 }, () => ({
      storageIndex: newIndex(),
      acknowledged: 0,
      begun: 0,
      /** Shares that each version has. */
      shares: new Map<number, readonly number[]>([[0, []]]),
    }));
    let writes = 0;
    let interrupted = 0;
    for (let round = 0; round < 20; round++) {
      let over = false;
      const writers = slots.map(async (slot) => {
        while (!over) {
          const number = ++slot.begun;
          const before = slot.shares.get(slot.acknowledged) as readonly number[];
          const after = [0, 1, 2, 3].filter(() => Math.random() < 0.7);
          slot.shares.set(number, after);
          const changes = Object.fromEntries([
            ...before.filter((share) => !after.includes(share)).map((share) => [share, { newLength: 0 }]),
            ...after.map((share) => {
              const data = version(number, share);
              return [share, { write: [{ offset: 0, data }], newLength: data.length }];
            }),
          ]);
          try {
            const { status, result } = await client.slot(slot.storageIndex, changes);
            expect([status, result.success]).toEqual([200, true]);
            slot.acknowledged = number;
            writes++;
          } catch {
            // The server died under us, as it should.
            interrupted++;
            return;
          }
        }
      });
      await delay(50 + Math.random() * 400);
      await server.kill();
      over = true;
      await Promise.all(writers);
      await untilDisconnected(server);
      await server.start();
      for (const slot of slots) {
        const found = await readSlot(slot.storageIndex);
        const is = (number: number) => {
          const expected = slot.shares.get(number) as readonly number[];
          return (
            found.size === expected.length &&
            expected.every(
              (share) => Buffer.compare(found.get(share) ?? bytes('?'), version(number, share)) === 0,
            )
          );
        };
        const now = [slot.acknowledged, slot.begun].find(is);
        expect(now, `versions ${slot.acknowledged} and ${slot.begun}`).toBeDefined();
        slot.acknowledged = now as number;
        await checkRecords(slot.storageIndex);
      }
      expect(await readdir(join(server.shares, journalFolder))).toEqual([]);
    }
    await checkTotals();
    expect(writes).toBeGreaterThan(20);
    expect(interrupted).toBeGreaterThan(50);
  });
});

describe('at the start', () => {
  const account = 1;
  const nodeId = new Uint8Array(20).fill(7);

  async function* container(data: string) {
    const lease = {
      owner: account,
      renewSecret: new Uint8Array(32),
      cancelSecret: new Uint8Array(32),
      expiresAt: 1,
      nodeId,
    };
    const { header, trailer } = encodeMutableContainer({
      dataSize: data.length,
      nodeId,
      writeEnabler,
      leases: [lease],
    });
    yield header;
    yield bytes(data);
    yield trailer;
  }

  async function store(storageIndex: Uint8Array, changes: Record<number, string>): Promise<void> {
    for (const [number, data] of Object.entries(changes)) {
      await server.client.storeMutable({ storageIndex, shareNumber: Number(number) }, bytes(data));
    }
  }

  const texts = async (storageIndex: Uint8Array) =>
    [...(await readSlot(storageIndex))].map(([number, data]) => [number, Buffer.from(data).toString()]);

  it('a change that was decided on is finished, whatever of it was done', async () => {
    const untouched = newIndex();
    const half = newIndex();
    const made = newIndex();
    for (const slot of [untouched, half]) await store(slot, { 0: 'zero', 1: 'one', 2: 'two' });
    await server.stop();
    const journal = new SlotJournal(server.shares);
    for (const storageIndex of [untouched, half]) {
      const entry = { storageIndex, account };
      await journal.begin(entry);
      await journal.write(entry, 0, container('ZERO, longer'));
      if (storageIndex === untouched) await journal.write(entry, 3, container('THREE'));
      await journal.remove(entry, 1);
      await journal.commit(entry);
      if (storageIndex === half) await journal.apply(entry);
    }
    const entry = { storageIndex: made, account };
    await journal.begin(entry);
    await journal.write(entry, 5, container('new'));
    await journal.commit(entry);
    await server.start();
    expect(await texts(untouched)).toEqual([
      [0, 'ZERO, longer'],
      [2, 'two'],
      [3, 'THREE'],
    ]);
    expect(await texts(half)).toEqual([
      [0, 'ZERO, longer'],
      [2, 'two'],
    ]);
    expect(await texts(made)).toEqual([[5, 'new']]);
    await checkRecords(half);
    expect(await readdir(join(server.shares, journalFolder))).toEqual([]);
    // And twice: what was made can be changed again.
    await store(half, { 0: 'again', 1: 'back' });
    expect(await texts(half)).toEqual([
      [0, 'again'],
      [1, 'back'],
      [2, 'two'],
    ]);
  });

  it('a change that was not decided on has never been, and what was promised for it is taken back', async () => {
    const slot = newIndex();
    await store(slot, { 0: 'zero' });
    await server.stop();
    const journal = new SlotJournal(server.shares);
    const entry = { storageIndex: slot, account };
    await journal.begin(entry);
    await journal.write(entry, 0, container('ZERO, longer'));
    await journal.write(entry, 1, container('ONE'));
    await server.sql('update storage.shares set size = 12 where storage_index = $1', [slot]);
    await server.sql(
      `insert into storage.shares (server, storage_index, share_number, state, kind, size, uploader)
       select server, storage_index, 1, 'coming', 'mutable', 3, 1 from storage.shares where storage_index = $1`,
      [slot],
    );
    await server.start();
    expect(await texts(slot)).toEqual([[0, 'zero']]);
    await checkRecords(slot);
    expect(await readdir(join(server.shares, journalFolder))).toEqual([]);
  });

  it('a share that had no record, and whose change was not decided on, has a lease', async () => {
    const slot = newIndex();
    await store(slot, { 0: 'zero' });
    await server.stop();
    await server.sql('delete from storage.leases where storage_index = $1', [slot]);
    await server.sql(
      `update storage.shares set state = 'coming', size = 0, uploader = 1 where storage_index = $1`,
      [slot],
    );
    const entry = { storageIndex: slot, account };
    const journal = new SlotJournal(server.shares);
    await journal.begin(entry);
    await journal.remove(entry, 0);
    await server.start();
    expect(await texts(slot)).toEqual([[0, 'zero']]);
    await checkRecords(slot);
  });

  it('what is not of the journal is left where it is', async () => {
    await server.stop();
    const folder = join(server.shares, journalFolder);
    await mkdir(join(folder, 'lost+found'), { recursive: true });
    await writeFile(join(folder, `${base32Encode(newIndex())}.x`), '');
    await server.start();
    expect(await readdir(folder)).toHaveLength(2);
  });
});

describe('while Postgres is away', () => {
  it('nothing is written, and afterwards everything is; records and shares agree', async () => {
    await using folder = await temporaryFolder('postgres');
    const port = await freePort();
    let postgres = await startPostgres({ dir: folder.path, port });
    try {
      await using database = await createDatabase(postgres.url, 'storage');
      await using node = await startTestServer({ postgres: database.url });
      const share = { storageIndex: newIndex(), shareNumber: 0 };
      await node.client.storeMutable(share, bytes('before'));
      await postgres.process.kill();
      const change = { 0: { write: [{ offset: 0, data: bytes('much longer') }] } };
      expect((await node.client.slot(share.storageIndex, change)).status).toBe(503);
      expect(Buffer.from((await node.client.readMutable(share)).body).toString()).toBe('before');
      postgres = await startPostgres({ dir: folder.path, port });
      await expect
        .poll(async () => (await node.client.slot(share.storageIndex, change)).status, { timeout: 30_000 })
        .toBe(200);
      expect(Buffer.from((await node.client.readMutable(share)).body).toString()).toBe('much longer');
      expect(await node.sql('select state, size::int from storage.shares')).toEqual([
        { state: 'stable', size: 11 },
      ]);
      expect(await readdir(join(node.shares, journalFolder))).toEqual([]);
    } finally {
      await postgres[Symbol.asyncDispose]();
    }
  });
});
