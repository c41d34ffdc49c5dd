import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { defaultConnectionTypes } from '@holdfast/common/connections';
import { waitFor } from '@holdfast/lab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RecordingServer, startRecordingServer } from '../testing/recording-server.js';
import { type KnownServer, readKnownServer } from './known-server.js';
import { type PinnedAddress, PinnedPool } from './pinned-pool.js';

describe('the pool of connections to a server', () => {
  let server: RecordingServer;
  let pool: PinnedPool;
  const poolTo = (known: KnownServer, told: Pick<PinnedAddress, 'onRoute'> = {}) =>
    new PinnedPool({
      ...readKnownServer(known, defaultConnectionTypes),
      refuse: () => undefined,
      onDisconnect: () => undefined,
      ...told,
    });
  beforeEach(async () => {
    server = await startRecordingServer('s1');
    pool = poolTo(server.known);
  });
  afterEach(async () => {
    await pool.destroy();
    await server[Symbol.asyncDispose]();
  });
  const ask = async () => {
    const opened = pool.current ?? (await pool.open());
    const { body } = await opened.request({ method: 'GET', path: '/storage/v1/version' });
    await body.dump();
  };

  it('is open only once there is a connection, and uses that one', async () => {
    await server.stop();
    await expect(pool.open()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(pool.current).toBeUndefined();
    await server.start();
    const [one, other] = await Promise.all([pool.open(), pool.open()]);
    expect(one).toBe(other);
    expect(pool.current).toBe(one);
    await ask();
    expect(server.knocks()).toBe(1);
  });

  it('rests where nobody waits for an answer, and opens again', async () => {
    await ask();
    pool.rest();
    expect(pool.current).toBeUndefined();
    await ask();
    expect(server.knocks()).toBe(2);
    server.hang();
    const unanswered = ask().catch((error: Error) => error);
    await waitFor('the request is under way', () => server.requests.length === 3 || undefined);
    pool.rest();
    expect(pool.current).toBeDefined();
    await pool.destroy();
    expect(await unanswered).toBeInstanceOf(Error);
  });

  it('leaves nothing open that nobody has used', async () => {
    await pool.open();
    await waitFor('the server has it', () => server.connections.length === 1 || undefined);
    expect(server.open()).toBe(1);
    pool.rest();
    await waitFor('it is closed', () => server.open() === 0 || undefined);
  });

  it('makes no connection any more when it is destroyed, not even one under way', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined).resume());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const nurls = server.known.nurls.map((nurl) => nurl.replace(`:${server.port}/`, `:${port}/`));
    const waiting = poolTo({ ...server.known, nurls });
    const opening = expect(waiting.open()).rejects.toThrow('nobody waits');
    await once(silent, 'connection');
    await waiting.destroy();
    await opening;
    await expect(waiting.open()).rejects.toThrow('nobody waits');
    silent.close();
    await once(silent, 'close');
  });

  it('leaves nothing open when it is destroyed just as its first connection is there', async () => {
    const connected: PinnedPool = poolTo(server.known, { onRoute: () => void connected.destroy() });
    await expect(connected.open()).rejects.toThrow('nobody waits');
    expect(connected.current).toBeUndefined();
    await waitFor('the connection is closed', () => server.open() === 0 || undefined);
  });
});
