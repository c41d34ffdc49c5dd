import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  announcementSubjects,
  type SignedAnnouncement,
  verifyAnnouncement,
} from '@holdfast/common/announcements';
import { Bus } from '@holdfast/common/bus';
import { NodeFolderExistsError } from '@holdfast/common/configuration';
import { silentLogger } from '@holdfast/common/logging';
import { createDatabase, freePort, startNats, startPostgres, temporaryFolder, waitFor } from '@holdfast/lab';
import { describe, expect, it } from 'vitest';
import { initialise } from './initialise.js';
import { newShare } from './testing/new-shares.js';
import { changeYaml, runNode, startTestServer } from './testing/test-server.js';
import { text } from './testing/texts.js';

describe('initialise', () => {
  it('makes a folder once, with what is secret in private/', async () => {
    await using folder = await temporaryFolder('init');
    const dir = join(folder.path, 'node');
    const options = {
      nickname: 's1',
      grid: 'test',
      postgres: 'postgres://me:hush@127.0.0.1:5432/x',
      bus: 'nats://127.0.0.1:4222',
      operator: '127.0.0.1:7101',
      listen: '127.0.0.1:7201',
      locations: ['storage.example:7201'],
      reservedSpace: '5GB',
    };
    await initialise(dir, options);
    const yaml = await readFile(join(dir, 'node.yaml'), 'utf8');
    expect(yaml).toContain('reserved_space: 5GB');
    expect(yaml).not.toContain('hush');
    expect(await readFile(join(dir, 'private/anonymous-credential'), 'utf8')).toMatch(/^[a-z2-7]{52}\n$/);
    expect((await stat(join(dir, 'private/anonymous-credential'))).mode & 0o777).toBe(0o600);
    await expect(initialise(dir, options)).rejects.toThrow(NodeFolderExistsError);
  });
});

describe('a storage server', () => {
  it('with a typo in node.yaml stops at once and says where', async () => {
    await using server = await startTestServer();
    await server.stop();
    await changeYaml(join(server.dir, 'node.yaml'), { shares: { path: 'shares', reserved_spcae: '1GB' } });
    const node = await runNode(server.dir, server.log);
    expect((await node.exited).code).toBe(1);
    expect(await node.lastOutput()).toMatch(/node\.yaml:\d+: shares\.reserved_spcae: unknown field/);
  });

  it('ends with status 0 on SIGTERM, after the requests under way', async () => {
    await using server = await startTestServer();
    const share = newShare();
    await server.client.allocated(share.storageIndex, [0], 1_000_000);
    let sent = () => {};
    const halfway = new Promise<void>((resolve) => {
      sent = resolve;
    });
    async function* slowly() {
      yield Buffer.alloc(500_000, 1);
      sent();
      await delay(500);
      yield Buffer.alloc(500_000, 2);
    }
    const writing = server.client.write(share, { begin: 0, end: 1_000_000 }, slowly() as never);
    await halfway;
    await delay(50);
    const stopping = server.stop();
    expect((await writing).status).toBe(201);
    expect(await stopping).toBe(0);
    await server.start();
    expect(await server.client.list(share.storageIndex)).toEqual([0]);
  });

  it('does not let a second process of the same node clear away its uploads', async () => {
    await using server = await startTestServer();
    const share = newShare();
    await server.client.allocated(share.storageIndex, [0], 10);
    await server.client.write(share, { begin: 0, end: 5 }, '01234');
    const second = await runNode(server.dir, join(server.dir, 'second.log'));
    expect((await second.exited).code).toBe(1);
    expect((await server.client.write(share, { begin: 5, end: 10 }, '56789')).status).toBe(201);
    expect(Buffer.from((await server.client.read(share)).body).toString()).toBe('0123456789');
  });

  it('with anonymous access off lets nobody in', async () => {
    await using server = await startTestServer();
    expect((await server.client.request('GET', '/storage/v1/version')).status).toBe(200);
    await server.stop();
    await changeYaml(join(server.dir, 'node.yaml'), { anonymous_account: { enabled: false } });
    await server.start();
    expect((await server.client.request('GET', '/storage/v1/version')).status).toBe(401);
  });
});

describe('without Postgres', () => {
  it('waits for it, answering 503, and then serves', async () => {
    await using folder = await temporaryFolder('late');
    const port = await freePort();
    let url = '';
    {
      await using early = await startPostgres({ dir: folder.path, port, durable: false });
      url = early.url;
    }
    await using server = await startTestServer({ postgres: url, awaitReady: false });
    await waitFor('it is alive', async () => (await fetch(`${server.operator}/healthz`)).ok || undefined);
    const ready = await fetch(`${server.operator}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([
      503,
      expect.stringContaining('Postgres has not answered yet'),
    ]);
    await waitFor(
      'it listens',
      async () => (await server.client.request('GET', '/storage/v1/version')).status === 503 || undefined,
    );

    await using _late = await startPostgres({ dir: folder.path, port, durable: false });
    await waitFor('it is ready', async () => (await fetch(`${server.operator}/readyz`)).ok || undefined);
    await server.client.store(newShare(), randomBytes(100));
  });

  it('that went away while shares come in: they are acknowledged when it is back, or not at all', async () => {
    await using folder = await temporaryFolder('restart');
    const port = await freePort();
    let postgres = await startPostgres({ dir: folder.path, port });
    try {
      await using database = await createDatabase(postgres.url, 'storage');
      await using server = await startTestServer({ postgres: database.url });
      const share = newShare();
      const data = randomBytes(1000);
      await server.client.allocated(share.storageIndex, [0], data.length);
      await postgres.process.kill();
      const writing = server.client.write(share, { begin: 0, end: data.length }, data);
      await delay(300);
      expect((await server.client.read({ ...share, shareNumber: 9 })).status).toBe(404);
      postgres = await startPostgres({ dir: folder.path, port });
      expect((await writing).status).toBe(201);
      const rows = await server.sql('select state from storage.shares where storage_index = $1', [
        share.storageIndex,
      ]);
      expect(rows).toEqual([{ state: 'stable' }]);

      await postgres.process.kill();
      const late = newShare();
      const answer = await server.client.allocate(late.storageIndex, [0], 10);
      expect([answer.status, text(answer.body)]).toEqual([
        503,
        'the lease database cannot be used just now\n',
      ]);
      expect(data.equals((await server.client.read(share)).body)).toBe(true);
      postgres = await startPostgres({ dir: folder.path, port });
      await server.client.store(late, randomBytes(10));
    } finally {
      await postgres[Symbol.asyncDispose]();
    }
  }, 120_000);
});

describe('announcing', () => {
  it('goes on until an introducer takes it, and begins anew after a restart', async () => {
    await using nats = await startNats();
    await using server = await startTestServer({ bus: nats.url });
    // It serves already, though no introducer has heard of it.
    await server.client.store(newShare(), randomBytes(10));

    const heard: SignedAnnouncement[] = [];
    const bus = new Bus({ url: nats.url, name: 'test introducer', logger: silentLogger() });
    try {
      bus.serve(announcementSubjects('test').announce, (announcement) => {
        heard.push(announcement);
        return { accepted: true as const };
      });
      const first = await waitFor('an announcement', () => heard[0]);
      const { serverId, body } = verifyAnnouncement(first);
      expect(body.nickname).toBe('s1');
      const [nurl = ''] = body['anonymous-storage-NURLs'];
      expect(nurl).toContain(new URL(server.client.origin).host);
      expect(nurl.endsWith(`/${server.client.swissnum}#v=1`)).toBe(true);
      expect(body['anonymous-storage-FURL']).toContain(server.client.swissnum);

      // Restarted it is the same server, with a newer announcement.
      const before = heard.length;
      await server.stop();
      await server.start();
      const next = verifyAnnouncement(await waitFor('another announcement', () => heard[before]));
      expect(next.serverId).toBe(serverId);
      expect(next.seqnum).toBeGreaterThan(body.seqnum);
      expect(await readFile(server.log, 'utf8')).not.toContain(server.client.swissnum);
    } finally {
      await bus.close();
    }
  });
});
