import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { announcementSubjects } from '@holdfast/common/announcements';
import { Bus } from '@holdfast/common/bus';
import { silentLogger } from '@holdfast/common/logging';
import { createTestDatabase, startNats, waitFor } from '@holdfast/lab';
import { base32Encode, parseLeaseRecords, type ShareAddress, sharePath, storageRoutes } from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setLeaseDefault } from '../leases/lease-default.js';
import { newShare } from '../testing/new-shares.js';
import { TestClient } from '../testing/test-client.js';
import { openKeeper, type TestKeeper } from '../testing/test-keeper.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { text } from '../testing/texts.js';
import { setAccountState } from './account-changes.js';
import { grantServers } from './grant.js';
import { knownServers } from './server-description.js';
import { accountSubjects } from './subjects.js';

const version = (client: TestClient) => client.request('GET', storageRoutes.version.path({}));
const status = async (client: TestClient) => (await version(client)).status;

/** When the one lease ends that a share's file says it has, in seconds since 1970. */
async function leaseEndInFile({ shares }: TestServer, share: ShareAddress): Promise<number | undefined> {
  const file = await readFile(join(shares, sharePath(share.storageIndex, share.shareNumber)));
  return parseLeaseRecords(file.subarray(-72), 1)[0]?.expiresAt;
}

describe('accounts of two servers with one database and a bus', () => {
  let nats: Awaited<ReturnType<typeof startNats>>;
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let one: TestServer;
  let two: TestServer;
  let keeper: TestKeeper;
  let bus: Bus;

  const newServer = (nickname: string) =>
    startTestServer({ postgres: database.url, bus: nats.url, settings: { nickname } });

  /** As the command does after a change. */
  const tell = () => expect(bus.publish(accountSubjects('test').changed, {})).toBe(true);

  /** Long before the half minute after which a server looks by itself. */
  const early = { timeout: 20_000, interval: 20 };
  const soon = (client: TestClient, expected: number) =>
    expect.poll(() => status(client), early).toBe(expected);

  async function newAccount(name: string): Promise<void> {
    await keeper.book.create({ name });
    tell();
    await soon(await keeper.client(name, two), 200);
    await soon(await keeper.client(name, one), 200);
  }

  beforeAll(async () => {
    nats = await startNats();
    database = await createTestDatabase();
    one = await newServer('s1');
    two = await newServer('s2');
    keeper = await openKeeper(one);
    bus = new Bus({ url: nats.url, name: 'test', logger: silentLogger() });
    await waitFor('the bus', () => bus.connected || undefined);
  });
  afterAll(async () => {
    await bus?.close();
    await keeper?.[Symbol.asyncDispose]();
    await two?.[Symbol.asyncDispose]();
    await one?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
    await nats?.[Symbol.asyncDispose]();
  });

  it('are felt at every server at once, under another credential at each', async () => {
    await newAccount('alice');
    expect(await keeper.credential('alice', one)).not.toBe(await keeper.credential('alice', two));
    expect(await status(await keeper.client('alice', one, two))).toBe(401);
    expect(await status(await keeper.client('alice', two, one))).toBe(401);
  });

  it('that change are felt within a second', async () => {
    await newAccount('changing');
    const client = await keeper.client('changing', two);
    const times: number[] = [];
    for (const [state, expected] of [
      ['revoked', 401],
      ['active', 200],
      ['revoked', 401],
      ['active', 200],
    ] as const) {
      await setAccountState(keeper.database, 'changing', state);
      const begun = performance.now();
      tell();
      await soon(client, expected);
      times.push(performance.now() - begun);
    }
    // The fastest: a machine with too much to do may hold up some of them.
    expect(Math.min(...times)).toBeLessThan(1_000);
  });

  it('hold the leases on what they store', async () => {
    await newAccount('holder');
    const share = newShare();
    await (await keeper.client('holder', two)).store(share, randomBytes(1_000));
    const rows = await two.sql(
      `select a.name, s.server_id = (select server_id from storage.servers where description->>'nickname' = 's2') as there
         from storage.leases as l join storage.accounts as a on a.key = l.account
         join storage.servers as s on s.key = l.server where storage_index = $1`,
      [share.storageIndex],
    );
    expect(rows).toEqual([{ name: 'holder', there: true }]);
  });

  it('have leases as long as was said when they were made, from the first on', async () => {
    await keeper.book.create({ name: 'lasting', leaseDuration: 60 * 86_400_000 });
    tell();
    const client = await keeper.client('lasting', two);
    await soon(client, 200);
    const share = newShare();
    const lasts = () =>
      two.sql<{ seconds: number }>(
        `select extract(epoch from expires_at - renewed_at)::int as seconds
           from storage.leases where storage_index = $1`,
        [share.storageIndex],
      );
    await client.store(share, randomBytes(10));
    expect(await lasts()).toEqual([{ seconds: 60 * 86_400 }]);
    expect((await client.renew(share.storageIndex)).status).toBe(204);
    expect(await lasts()).toEqual([{ seconds: 60 * 86_400 }]);
  });

  it('have leases as long as is said for all servers at once, where they say nothing themselves', async () => {
    await keeper.book.create({ name: 'usual' });
    await keeper.book.create({ name: 'unusual', leaseDuration: 90 * 86_400_000 });
    await setLeaseDefault(keeper.database, 45 * 86_400_000);
    tell();
    try {
      const lasts = async (name: string) => {
        const client = await keeper.client(name, two);
        await soon(client, 200);
        const share = newShare();
        await client.store(share, randomBytes(10));
        const [lease] = await two.sql<{ days: number }>(
          `select extract(epoch from expires_at - renewed_at)::int / 86400 as days
             from storage.leases where storage_index = $1`,
          [share.storageIndex],
        );
        const inFile = (await leaseEndInFile(two, share)) ?? 0;
        return [lease?.days, Math.round((inFile - Date.now() / 1000) / 86_400)];
      };
      expect(await lasts('usual')).toEqual([45, 45]);
      expect(await lasts('unusual')).toEqual([90, 90]);
      await setLeaseDefault(keeper.database, undefined);
      tell();
      await waitFor('the change is known', async () => (await lasts('usual'))[1] === 31 || undefined);
      expect(await lasts('usual')).toEqual([31, 31]);
    } finally {
      await setLeaseDefault(keeper.database, undefined);
    }
  });

  it('can be had by nobody from the database: it has neither secrets nor credentials in any form', async () => {
    await newAccount('secretive');
    const secret = await keeper.book.secretOf('secretive');
    const credentials = [
      await keeper.credential('secretive', one),
      await keeper.credential('secretive', two),
    ];
    const forms = [secret, ...credentials.map((credential) => Buffer.from(credential))].flatMap((bytes) => [
      bytes.toString('latin1'),
      bytes.toString('hex'),
      bytes.toString('base64').replace(/=+$/, ''),
      bytes.toString('base64url'),
      base32Encode(bytes),
    ]);
    const dump = await dumpOf(one);
    expect(dump).toContain('secretive');
    for (const form of forms) {
      expect(dump).not.toContain(form);
      // Bytes are dumped as hex.
      expect(dump).not.toContain(Buffer.from(form, 'latin1').toString('hex'));
    }
  });

  it('stand in no log', async () => {
    await newAccount('quiet');
    const [credential, secret] = [await keeper.credential('quiet', one), await keeper.book.secretOf('quiet')];
    for (const server of [one, two]) {
      const log = await readFile(server.log, 'utf8');
      for (const form of [
        credential,
        base32Encode(secret),
        secret.toString('hex'),
        secret.toString('base64'),
      ])
        expect(log).not.toContain(form);
    }
  });

  it('are known to a server that joins later', async () => {
    await newAccount('early');
    await using late = await newServer('s3');
    await soon(await keeper.client('early', late), 200);
  });

  it('while frozen read, list, renew and report, but store nothing new', async () => {
    await newAccount('icy');
    const client = await keeper.client('icy', two);
    const [share, begun] = [newShare(), newShare()];
    await client.store(share, Buffer.from('from before'));
    await client.allocated(begun.storageIndex, [0], 10);
    await client.write(begun, { begin: 0, end: 5 }, '01234');

    await setAccountState(keeper.database, 'icy', 'frozen');
    tell();
    await expect
      .poll(async () => (await client.allocate(newShare().storageIndex, [0], 10)).status, early)
      .toBe(403);
    const writing = await client.write(begun, { begin: 5, end: 10 }, '56789');
    expect([writing.status, writing.headers['holdfast-reason'], text(writing.body)]).toEqual([
      403,
      'account-frozen',
      'this account is frozen: it can read and renew, but store nothing new\n',
    ]);
    expect((await client.allocate(share.storageIndex, [0], 11)).status).toBe(403);

    expect(text((await client.read(share)).body)).toBe('from before');
    expect(await client.list(share.storageIndex)).toEqual([0]);
    expect((await client.renew(share.storageIndex)).status).toBe(204);
    expect(await status(client)).toBe(200);
    const report = await client.request('POST', storageRoutes.reportCorruption.path(share), {
      headers: { 'content-type': 'application/cbor' },
      body: Buffer.from('a166726561736f6e63626164', 'hex'),
    });
    expect(report.status).toBe(200);
    // What it began it may give up: that frees space.
    expect((await client.abort(begun)).status).toBe(200);

    await setAccountState(keeper.database, 'icy', 'active');
    tell();
    await expect
      .poll(async () => (await client.allocate(newShare().storageIndex, [0], 10)).status, early)
      .toBe(200);
  });

  it('once revoked are refused like unknown ones, and others go on', async () => {
    await newAccount('gone');
    await newAccount('staying');
    const client = await keeper.client('gone', two);
    const share = newShare();
    await client.store(share, randomBytes(10));
    await setAccountState(keeper.database, 'gone', 'revoked');
    tell();
    await soon(client, 401);
    await using stranger = new TestClient(two.client.origin, 'x'.repeat(32));
    const [answer, unknown] = [await client.read(share), await stranger.read(share)];
    expect([answer.status, text(answer.body)]).toEqual([unknown.status, text(unknown.body)]);
    expect(await status(await keeper.client('staying', two))).toBe(200);
  });

  it('of which one is anonymous can be switched off at all servers, which then announce no such credential', async () => {
    let announced = 0;
    const stop = bus.serve(announcementSubjects('test').announce, () => {
      announced++;
      return { accepted: true as const };
    });
    await waitFor('announcements', () => announced >= 2 || undefined);
    await setAccountState(keeper.database, 'anonymous', 'revoked');
    tell();
    await soon(one.client, 401);
    await soon(two.client, 401);
    await two.stop();
    await two.start();
    const before = announced;
    await expect.poll(() => status(two.client)).toBe(401);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(announced).toBe(before);

    await setAccountState(keeper.database, 'anonymous', 'active');
    tell();
    await soon(two.client, 200);
    await waitFor('both announce again', () => announced >= before + 2 || undefined);
    stop();
  });

  it('are granted by what the database says of the servers, as they announce themselves', async () => {
    await newAccount('customer');
    const { granted, leftOut } = grantServers(
      await keeper.book.secretOf('customer'),
      await knownServers(keeper.database),
    );
    expect(leftOut).toEqual([]);
    const [first] = granted;
    expect(first?.body.nickname).toBe('s1');
    const credential = await keeper.credential('customer', one);
    const host = new URL(one.client.origin).host;
    expect(first?.body['anonymous-storage-NURLs']).toEqual([
      expect.stringMatching(new RegExp(`^pb://[\\w-]{43}@${host}/${credential}#v=1$`)),
    ]);
    expect(first?.body['anonymous-storage-FURL']).toMatch(
      new RegExp(`^pb://[a-z2-7]{32}@tcp:${host}/${credential}$`),
    );
  });
});

/** Every row of every table of the schema as text; bytes as hex. */
async function dumpOf(server: TestServer): Promise<string> {
  const tables = await server.sql<{ name: string }>(
    "select table_schema || '.' || table_name as name from information_schema.tables where table_schema = 'storage'",
  );
  expect(tables.length).toBeGreaterThan(8);
  const dumps = await Promise.all(
    tables.map(({ name }) => server.sql<{ row: string }>(`select t::text as row from ${name} as t`)),
  );
  return dumps.flatMap((rows) => rows.map(({ row }) => row)).join('\n');
}
