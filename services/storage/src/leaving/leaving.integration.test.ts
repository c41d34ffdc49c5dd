import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  announcementSubjects,
  type VerifiedAnnouncement,
  verifyAnnouncement,
} from '@holdfast/common/announcements';
import { Bus } from '@holdfast/common/bus';
import { loadIdentity } from '@holdfast/common/identity';
import { silentLogger } from '@holdfast/common/logging';
import { startNats, waitFor } from '@holdfast/lab';
import {
  decodeAllocateAnswer,
  decodeServerVersion,
  encodeStoreRequest,
  storageRoutes,
  type WholeShares,
} from '@holdfast/lafs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { listAccounts } from '../accounts/account-list.js';
import { accountSubjects } from '../accounts/subjects.js';
import { AccountCopySeal } from '../recovery/account-copy.js';
import { newIndex } from '../testing/new-shares.js';
import { secrets, type TestClient } from '../testing/test-client.js';
import { openKeeper, type TestKeeper } from '../testing/test-keeper.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { text } from '../testing/texts.js';
import { wrongTotals } from '../testing/totals.js';
import { findServer, setLeaving } from './set-leaving.js';

const words = 'this server is leaving the grid: it takes no new shares\n';

async function versionOf(client: TestClient) {
  const { body, headers } = await client.request('GET', storageRoutes.version.path({}));
  return { ...decodeServerVersion(body), state: headers['holdfast-state'] };
}

function storeWhole(client: TestClient, storageIndex: Uint8Array, shares: WholeShares) {
  const { 'upload-secret': _, ...lease } = secrets;
  return client.request('POST', storageRoutes.storeWholeShares.path({ storageIndex }), {
    headers: { 'content-type': 'application/cbor' },
    secrets: lease,
    body: encodeStoreRequest(shares),
  });
}

describe('a server that is leaving', () => {
  let nats: Awaited<ReturnType<typeof startNats>>;
  let bus: Bus;
  let server: TestServer;
  let keeper: TestKeeper;
  let client: TestClient;
  const announced: VerifiedAnnouncement[] = [];

  /** Marks the server as the command does, and waits until it has learned of it by the bus. */
  async function mark(leaving: boolean): Promise<void> {
    const { key } = await findServer(keeper.database, 's1');
    await setLeaving(keeper.database, key, leaving);
    expect(bus.publish(accountSubjects('test').changed, {})).toBe(true);
    // Long before the half minute after which it looks by itself.
    await expect
      .poll(async () => (await versionOf(client)).state, { timeout: 20_000, interval: 20 })
      .toBe(leaving ? 'leaving' : undefined);
  }

  beforeAll(async () => {
    nats = await startNats();
    bus = new Bus({ url: nats.url, name: 'test', logger: silentLogger() });
    bus.serve(announcementSubjects('test').announce, (signed) => {
      announced.push(verifyAnnouncement(signed));
      return { accepted: true as const };
    });
    server = await startTestServer({ bus: nats.url });
    keeper = await openKeeper(server);
    client = server.client;
    await waitFor('the first announcement', () => announced[0]);
  });
  afterEach(() => mark(false));
  afterAll(async () => {
    await keeper?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await bus?.close();
    await nats?.[Symbol.asyncDispose]();
  });

  it('announces so at once, under a higher seqnum, and that it stays after all', async () => {
    const last = () => announced.at(-1) as VerifiedAnnouncement;
    const before = last();
    expect(before.body).not.toHaveProperty('leaving');
    await mark(true);
    await waitFor('the announcement', () => last().body.leaving || undefined);
    const leaving = last();
    expect(leaving.seqnum).toBeGreaterThan(before.seqnum);
    await mark(false);
    await waitFor('the announcement', () => last().body.leaving === undefined || undefined);
    expect(last().seqnum).toBeGreaterThan(leaving.seqnum);
  });

  it('offers no space to clients that know nothing of leaving', async () => {
    expect((await versionOf(client)).availableSpace).toBeGreaterThan(0n);
    await mark(true);
    const version = await versionOf(client);
    expect(version).toMatchObject({ availableSpace: 0n, maximumImmutableShareSize: 0n });
    // What they have here they may change.
    expect(version.maximumMutableShareSize).toBeGreaterThan(0n);
    const metrics = await (await fetch(`${server.operator}/metrics`)).text();
    expect(metrics).toMatch(/^holdfast_storage_leaving\{.*\} 1$/m);
  });

  it('refuses new shares in words, and records nothing of them', async () => {
    await mark(true);
    const share = new Map([[0, randomBytes(50)]]);
    const answers = [
      await client.allocate(newIndex(), [0, 1], 100),
      await storeWhole(client, newIndex(), share),
      await client.slot(newIndex(), { 0: { write: [{ offset: 0, data: randomBytes(10) }] } }),
    ];
    for (const { status, headers, body } of answers) {
      expect({ status, reason: headers['holdfast-reason'], body: text(body) }).toEqual({
        status: 507,
        reason: 'server-leaving',
        body: words,
      });
    }
    expect(await server.sql('select from storage.shares')).toEqual([]);
  });

  it('says which shares it has to who asks for room, with a lease on them, and takes no others', async () => {
    const storageIndex = newIndex();
    await client.store({ storageIndex, shareNumber: 3 }, randomBytes(100));
    await mark(true);
    await server.sql('delete from storage.leases where storage_index = $1', [storageIndex]);
    await server.sql('update storage.usage_totals set bytes = bytes - 100, shares = shares - 1');
    const { status, body } = await client.allocate(storageIndex, [3, 4], 100);
    expect(status).toBe(200);
    expect(decodeAllocateAnswer(body)).toEqual({ alreadyHave: new Set([3]), allocated: new Set() });
    const leases = await server.sql('select from storage.leases where storage_index = $1', [storageIndex]);
    expect(leases).toHaveLength(1);
    expect(await wrongTotals(server)).toEqual([]);
  });

  it('goes on reading, renewing, changing slots, and finishing uploads', async () => {
    const [stored, coming, slot] = [newIndex(), newIndex(), newIndex()];
    const data = randomBytes(100);
    await client.store({ storageIndex: stored, shareNumber: 0 }, data);
    await client.storeMutable({ storageIndex: slot, shareNumber: 0 }, data);
    await client.allocated(coming, [0], 100);
    await client.write({ storageIndex: coming, shareNumber: 0 }, { begin: 0, end: 40 }, data.subarray(0, 40));
    await mark(true);
    expect(await client.list(stored)).toEqual([0]);
    expect((await client.read({ storageIndex: stored, shareNumber: 0 })).body).toEqual(new Uint8Array(data));
    expect((await client.renew(stored)).status).toBe(204);
    const rest = await client.write(
      { storageIndex: coming, shareNumber: 0 },
      { begin: 40, end: 100 },
      data.subarray(40),
    );
    expect(rest.status).toBe(201);
    const changed = randomBytes(200);
    await client.storeMutable({ storageIndex: slot, shareNumber: 0 }, changed);
    await client.storeMutable({ storageIndex: slot, shareNumber: 1 }, changed);
    expect((await client.readMutable({ storageIndex: slot, shareNumber: 0 })).body).toEqual(
      new Uint8Array(changed),
    );
    expect(await client.listMutable(slot)).toEqual([0, 1]);
  });

  it('is so after a restart, from the first request on, and announces it', async () => {
    await mark(true);
    const before = announced.length;
    expect(await server.stop()).toBe(0);
    await server.start();
    expect((await versionOf(client)).state).toBe('leaving');
    expect((await client.allocate(newIndex(), [0], 100)).status).toBe(507);
    await waitFor('an announcement', () => announced.length > before || undefined);
    expect(announced.at(-1)?.body.leaving).toBe(true);
  });

  it('is so still where its database was lost and is recovered, which knows repairers for what they are', async () => {
    await keeper.book.create({ name: 'repairer', repairer: true });
    await client.store({ storageIndex: newIndex(), shareNumber: 0 }, randomBytes(10));
    await mark(true);
    const { signingKey } = await loadIdentity(server.dir);
    await waitFor('the copy of the accounts', async () => {
      const copy = new AccountCopySeal(signingKey).open(
        await readFile(join(server.shares, 'holdfast-accounts')),
      );
      return copy.servers[0]?.leaving_since;
    });
    expect(await server.stop()).toBe(0);
    await server.sql('drop schema storage cascade');
    await server.change({ recovery: { automatic: true } });
    await server.start();
    await expect
      .poll(async () => (await versionOf(client)).state, { timeout: 30_000, interval: 100 })
      .toBe('leaving');
    const accounts = await listAccounts(keeper.database);
    expect(accounts.filter(({ repairer }) => repairer).map(({ name }) => name)).toEqual(['repairer']);
  });
});
