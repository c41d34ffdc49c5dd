import { randomBytes } from 'node:crypto';
import { silentLogger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { waitFor } from '@holdfast/lab';
import { describe, expect, it } from 'vitest';
import type { KnownServer } from './connections/known-server.js';
import { ServerSet } from './connections/server-set.js';
import type { StorageServer } from './connections/storage-server.js';
import { countConnected } from './testing/lab-client.js';
import { startRecordingServer } from './testing/recording-server.js';
import { openRelay } from './testing/relay.js';

const storageIndex = randomBytes(16);
const piece = randomBytes(1024 * 1024);

/** A connection to a server that takes what it is sent. */
async function connectTo(known: KnownServer) {
  const servers = new ServerSet({
    leaseSecret: randomBytes(32),
    startSpread: 100,
    logger: silentLogger(),
    registry: createRegistry({}),
  });
  servers.set(known);
  await waitFor('it is connected', () => countConnected(servers) === 1 || undefined, { timeoutMs: 10_000 });
  const [server] = servers.connectedFor(storageIndex);
  return {
    write: () => (server as StorageServer).write(storageIndex, 0, 0, piece, randomBytes(32)),
    state: () => servers.statuses()[0]?.state,
    [Symbol.asyncDispose]: () => servers.close(),
  };
}

describe.concurrent('a piece of a share on its way', () => {
  it('may take longer than any answer, as long as the server answers to something else', async () => {
    await using server = await startRecordingServer('s1');
    await using relay = await openRelay(server.port, piece.length / 40);
    const { nurls, ...known } = server.known;
    const slow = nurls.map((nurl) => nurl.replace(`:${server.port}/`, `:${relay.port}/`));
    await using connection = await connectTo({ ...known, nurls: slow });
    await connection.write();
    expect(server.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(1);
    expect(connection.state()).toBe('connected');
  }, 120_000);

  it('is given up, long before its time is over, where the server does not, also when all its connections are taken', async () => {
    await using server = await startRecordingServer('s1');
    await using connection = await connectTo(server.known);
    server.hang();
    // Their own time is more than three minutes.
    const written = await Promise.allSettled(Array.from({ length: 8 }, connection.write));
    for (const outcome of written)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'timeout' } });
    expect(connection.state()).toBe('unreachable');
  }, 90_000);

  it('waits for its turn where eight others are under way, and then has it', async () => {
    await using server = await startRecordingServer('s1');
    await using connection = await connectTo(server.known);
    await Promise.all(Array.from({ length: 40 }, connection.write));
    expect(server.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(40);
    expect(server.open()).toBeLessThanOrEqual(9);
  }, 60_000);
});
