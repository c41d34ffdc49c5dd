import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { signCertificate, Vouching } from '@holdfast/common/grid-management';
import {
  generateNodePem,
  generateSigningKey,
  parseNodePem,
  parseSigningKey,
} from '@holdfast/common/identity';
import { type LogLine, recordingLogger, silentLogger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { waitFor } from '@holdfast/lab';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ServerStatus } from './connections/server-connection.js';
import { ServerSet } from './connections/server-set.js';
import type { StorageServer } from './connections/storage-server.js';
import { extensionNumber } from './testing/client-hello.js';
import { countConnected } from './testing/lab-client.js';
import {
  describeServer,
  openRecordingServer,
  type RecordingServer,
  startRecordingServer,
} from './testing/recording-server.js';
import { takeAnyShare } from './testing/take-any-share.js';

// Each server is alone with its connection: what is believed of it, what it is told, and how its end is noticed.

const openSet = (logger = silentLogger()) =>
  new ServerSet({
    leaseSecret: randomBytes(32),
    startSpread: 100,
    logger,
    registry: createRegistry({}),
  });
/** A set whose uploads go only to servers that `manager` vouches for. */
const managedSet = (manager: KeyObject) => {
  const managed = new ServerSet({
    leaseSecret: randomBytes(32),
    logger: silentLogger(),
    registry: createRegistry({}),
    vouching: new Vouching([createPublicKey(manager)]),
  });
  return { servers: managed, [Symbol.asyncDispose]: () => managed.close() };
};
const connected = (servers: ServerSet, count: number, timeoutMs = 10_000) =>
  waitFor(`${count} connected`, () => countConnected(servers) === count || undefined, {
    timeoutMs,
    everyMs: 10,
  });
const becomes = (servers: ServerSet, state: ServerStatus['state'], timeoutMs: number) =>
  waitFor(`the server is ${state}`, () => servers.statuses().find((each) => each.state === state), {
    timeoutMs,
    everyMs: 10,
  });

let servers: ServerSet;
let server: RecordingServer;
beforeEach(async () => {
  servers = openSet();
  server = await startRecordingServer('s1');
});
afterEach(async () => {
  await servers.close();
  await server[Symbol.asyncDispose]();
});

describe('a server that shows another key than its NURL names', () => {
  let lines: LogLine[];
  beforeEach(async () => {
    await servers.close();
    const log = recordingLogger();
    lines = log.lines;
    servers = openSet(log.logger);
  });
  const askedOf = async (nickname: string) => {
    const storage = servers.connectedFor(randomBytes(16)).find((each) => each.nickname === nickname);
    return storage?.listShares(randomBytes(16));
  };

  it('is told nothing, its status says why, the log once, and no other notices', async () => {
    await using good = await startRecordingServer('good');
    servers.set(good.known);
    await connected(servers, 1);
    const knocks = good.knocks();
    const other = parseNodePem(await generateNodePem());
    servers.set(describeServer('impostor', other, server.port));
    const { lastError } = await becomes(servers, 'unreachable', 20_000);
    const why = `127.0.0.1:${server.port}: the server shows another key than its NURL names`;
    expect(lastError).toBe(why);
    await waitFor('it is tried again', () => server.knocks() >= 2 || undefined);
    expect(server.requests).toEqual([]);
    expect(servers.connectedFor(randomBytes(16)).map(({ nickname }) => nickname)).toEqual(['good']);
    expect(lines).toMatchObject([
      { msg: 'storage server cannot be reached', server: 'impostor', error: why },
    ]);
    expect(await askedOf('good')).toEqual(new Set());
    expect(good.knocks()).toBe(knocks);
  });

  it('is told nothing when it takes the place of a server that was right', async () => {
    await using good = await startRecordingServer('good');
    servers.set(good.known);
    await connected(servers, 1);
    servers.set(server.known);
    await connected(servers, 2);
    const { port } = server;
    await server.stop();
    await becomes(servers, 'unreachable', 20_000);
    // At the same place, behind the same name, with another certificate.
    const requests = server.requests.length;
    await using impostor = await openRecordingServer({
      tls: parseNodePem(await generateNodePem()),
      describe: () => server.known,
      answering: takeAnyShare(),
      port,
    });
    await waitFor('the impostor is tried, more than once', () => impostor.knocks() >= 3 || undefined);
    expect(impostor.requests).toEqual([]);
    expect(server.requests).toHaveLength(requests);
    await waitFor('its status says why', () =>
      servers.statuses().find(({ lastError }) => lastError?.includes('another key')),
    );
    expect(lines).toMatchObject([{ msg: 'storage server cannot be reached', server: 's1' }]);
    expect(await askedOf('good')).toEqual(new Set());
  });
});

describe('a server for which a grid manager vouches', () => {
  it('gets uploads until its certificate ends, though it stays connected, and is always read from', async () => {
    const manager = parseSigningKey(generateSigningKey());
    const expires = new Date(Date.now() + 3_600_000);
    const certificate = signCertificate({ serverId: server.known.id, expires }, manager);
    await using managed = managedSet(manager);
    managed.servers.set({ ...server.known, certificates: [certificate] });
    await connected(managed.servers, 1);
    const storageIndex = randomBytes(16);
    const uploads = () => {
      const { servers: permitted, passedOver } = managed.servers.vouchedFor(storageIndex);
      return { permitted: permitted.length, passedOver };
    };
    expect(uploads()).toEqual({ permitted: 1, passedOver: 0 });
    vi.useFakeTimers({ toFake: ['Date'], now: expires });
    try {
      expect(uploads()).toEqual({ permitted: 0, passedOver: 1 });
      expect(managed.servers.connectedFor(storageIndex)).toHaveLength(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('gets uploads again when it is heard of with a new certificate, on the same connection', async () => {
    const manager = parseSigningKey(generateSigningKey());
    const vouch = (hours: number) =>
      signCertificate(
        { serverId: server.known.id, expires: new Date(Date.now() + hours * 3_600_000) },
        manager,
      );
    await using managed = managedSet(manager);
    managed.servers.set({ ...server.known, certificates: [vouch(-1)] });
    await connected(managed.servers, 1);
    expect(managed.servers.vouchedFor(randomBytes(16)).servers).toHaveLength(0);
    const knocks = server.knocks();
    managed.servers.set({ ...server.known, certificates: [vouch(-1), vouch(1)] });
    expect(managed.servers.vouchedFor(randomBytes(16)).servers).toHaveLength(1);
    expect(server.knocks()).toBe(knocks);
  });
});

describe('a server that is leaving', () => {
  it('is read from and gets no uploads, on the same connection, until it stays after all', async () => {
    servers.set(server.known);
    await connected(servers, 1);
    const storageIndex = randomBytes(16);
    const knocks = server.knocks();
    const told = () => {
      const { servers: chosen, leaving, passedOver } = servers.vouchedFor(storageIndex);
      const readable = servers.connectedFor(storageIndex).map((one) => one.leaving);
      return { chosen: chosen.length, leaving, passedOver, readable };
    };
    servers.set({ ...server.known, leaving: true });
    expect(told()).toEqual({ chosen: 0, leaving: 1, passedOver: 0, readable: [true] });
    expect(servers.statuses()).toMatchObject([{ leaving: true }]);
    servers.set(server.known);
    expect(told()).toEqual({ chosen: 1, leaving: 0, passedOver: 0, readable: [false] });
    expect(server.knocks()).toBe(knocks);
  });
});

describe('a connection', () => {
  it('never resumes a session, which would be a name that the server gave its client', async () => {
    servers.set(server.known);
    await connected(servers, 1);
    const index = randomBytes(16);
    for (let round = 1; round <= 3; round++) {
      const [storage] = servers.connectedFor(index);
      // More requests at a time than one connection takes.
      await Promise.all(Array.from({ length: 4 }, () => storage?.listShares(index)));
      server.hangUp();
      await waitFor('a new connection', () => server.connections.length > 2 * round || undefined);
      await connected(servers, 1);
    }
    expect(server.connections.length).toBeGreaterThan(6);
    for (const { hello, resumed, certificate } of server.connections) {
      expect(resumed).toBe(false);
      expect(certificate).toBe(false);
      expect(hello.extensions.has(extensionNumber.preSharedKey)).toBe(false);
      expect(hello.extensions.get(extensionNumber.sessionTicket) ?? '').toBe('');
    }
    const sessions = server.connections.map(({ hello }) => hello.sessionId).filter((id) => id !== '');
    expect(new Set(sessions).size).toBe(sessions.length);
  });

  it('notices within seconds that its server has ended, though nothing is asked of it', async () => {
    servers.set(server.known);
    await connected(servers, 1);
    await server.stop();
    const { lastError } = await becomes(servers, 'unreachable', 10_000);
    expect(lastError).toMatch(/^s1: .*ECONNREFUSED/);
  });

  it('is used again within seconds when its server is back', async () => {
    servers.set(server.known);
    await connected(servers, 1);
    await server.stop();
    await becomes(servers, 'unreachable', 10_000);
    const tried = servers.statuses()[0]?.lastReached;
    await server.start();
    await connected(servers, 1, 15_000);
    const [storage] = servers.connectedFor(randomBytes(16));
    expect(await storage?.listShares(randomBytes(16))).toEqual(new Set());
    expect(servers.statuses()[0]?.lastReached?.getTime()).toBeGreaterThan(tried?.getTime() ?? 0);
  });

  it('is used again within seconds, also when its server was away for so long that it is tried as seldom as it ever is', async () => {
    const times: number[] = [];
    await server.stop();
    servers.set(server.known);
    const tries = () => servers.statuses()[0]?.failures.get('unreachable') ?? 0;
    while (times.length < 8) {
      const before = times.length;
      await waitFor('it is tried again', () => tries() > before || undefined, { everyMs: 10 });
      times.push(performance.now());
    }
    // The pauses have stopped to grow: the last two are at the ceiling, and that is a few seconds.
    const pauses = times.slice(1).map((at, index) => at - (times[index] ?? at));
    expect(Math.min(...pauses.slice(-2))).toBeLessThan(10_000);
    await server.start();
    await connected(servers, 1, 15_000);
  }, 120_000);

  it('is used again within seconds while hundreds of others are away, which are not dialled more often for that', async () => {
    const away = parseNodePem(await generateNodePem());
    const closed = await startSilentServer();
    await closed[Symbol.asyncDispose]();
    const count = 500;
    const started = performance.now();
    for (let index = 0; index < count; index++)
      servers.set(describeServer(`away${index}`, away, closed.port));
    const dials = () =>
      servers.statuses().reduce((sum, { failures }) => sum + (failures.get('unreachable') ?? 0), 0);
    await waitFor('each was tried', () => dials() >= count || undefined, { timeoutMs: 60_000 });
    await server.stop();
    servers.set(server.known);
    await waitFor(
      'it is away',
      () => servers.statuses().find(({ id }) => id === server.known.id)?.state === 'unreachable' || undefined,
      {
        timeoutMs: 60_000,
      },
    );
    await server.start();
    await connected(servers, 1, 60_000);
    // As many as at once, and fifty a second after that, and at the end those that have their turn already.
    const seconds = (performance.now() - started) / 1000;
    expect(dials()).toBeLessThan(300 + 50 * seconds);
  }, 200_000);

  it('does not wait for ever for a server that takes connections or requests and says nothing', async () => {
    await using silent = await startSilentServer();
    const tls = parseNodePem(await generateNodePem());
    servers.set(describeServer('silent', tls, silent.port));
    servers.set(server.known);
    await connected(servers, 1);
    const [storage] = servers.connectedFor(randomBytes(16));
    server.hang();
    const asked = expect(storage?.listShares(randomBytes(16))).rejects.toMatchObject({
      name: 'StorageServerError',
      code: 'timeout',
    });
    const started = performance.now();
    await becomes(servers, 'unreachable', 40_000);
    await asked;
    // It is not chosen for anything until it has answered again.
    expect(servers.connectedFor(randomBytes(16))).toEqual([]);
    expect(performance.now() - started).toBeLessThan(40_000);
    const status = servers.statuses().find(({ nickname }) => nickname === 'silent');
    expect(status).toMatchObject({
      state: 'unreachable',
      lastError: expect.stringContaining('did not answer in time'),
    });
    const closing = performance.now();
    await servers.close();
    expect(performance.now() - closing).toBeLessThan(8_000);
  });

  it('loses no share where the answer to a request for room is lost, and the server says nothing of it again', async () => {
    servers.set(server.known);
    await connected(servers, 1);
    const [connection] = servers.connectedFor(randomBytes(16)) as [StorageServer];
    const [index, secret] = [randomBytes(16), randomBytes(32)];
    server.loseAllocation();
    const answer = await connection.allocate(index, new Set([1, 4]), 1000, secret);
    expect([...answer.allocated]).toEqual([1, 4]);
    expect(await connection.write(index, 4, 0, randomBytes(1000), secret)).toBe(true);
  });

  it('is kept when only what its server is called changes, and replaced when it is to be reached in another way', async () => {
    servers.set(server.known);
    await connected(servers, 1);
    const knocks = server.knocks();
    const { since } = servers.statuses()[0] as ServerStatus;
    servers.set({ ...server.known });
    expect(servers.statuses()[0]?.since).toBe(since);
    expect(server.knocks()).toBe(knocks);
    servers.set({ ...server.known, nickname: 'renamed', version: 'newer/2' });
    expect(servers.statuses()[0]).toMatchObject({ nickname: 'renamed', state: 'connected', since });
    expect(server.knocks()).toBe(knocks);
    const [nurl = ''] = server.known.nurls;
    servers.set({ ...server.known, nurls: [nurl.replace('swissnum-of', 'another-swissnum-of')] });
    await connected(servers, 1);
    expect(server.knocks()).toBeGreaterThan(knocks);
    servers.forget(server.known.id);
    expect(servers.statuses()).toEqual([]);
  });

  it('shows its state and its failures as figures, until it is forgotten', async () => {
    const registry = createRegistry({});
    const set = new ServerSet({ leaseSecret: randomBytes(32), logger: silentLogger(), registry });
    try {
      set.set(server.known);
      await connected(set, 1);
      const labels = `server="${server.known.id}"`;
      expect(await registry.metrics()).toContain(
        `holdfast_storage_server_connected{${labels},server_nickname="s1"} 1`,
      );
      await server.stop();
      await becomes(set, 'unreachable', 10_000);
      const metrics = await registry.metrics();
      expect(metrics).toContain(`holdfast_storage_server_connected{${labels},server_nickname="s1"} 0`);
      expect(metrics).toMatch(
        new RegExp(`holdfast_storage_server_failures_total{${labels},reason="unreachable"} [1-9]`),
      );
      expect(metrics).toMatch(new RegExp(`holdfast_storage_server_reached_seconds{${labels}} [1-9]`));
      set.forget(server.known.id);
      expect(await registry.metrics()).not.toContain(server.known.id);
    } finally {
      await set.close();
    }
  });

  it('does not hide a server that cannot even be tried: its status says what is wrong', () => {
    servers.set({ ...server.known, nurls: [] });
    expect(servers.statuses()[0]).toMatchObject({
      state: 'unreachable',
      lastError: 'it has no NURL',
    });
    servers.set({ ...server.known, nurls: ['pb://nonsense'] });
    expect(servers.statuses()[0]?.lastError).toMatch(/^anonymous-storage-NURLs: /);
    servers.set({ ...server.known, furl: 'pb://nonsense' });
    expect(servers.statuses()[0]?.lastError).toMatch(/^anonymous-storage-FURL: /);
  });
});

/** Takes connections, and never says a word. */
async function startSilentServer(): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).resume();
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}
