import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { formatAuthorization, formatSecrets, storageRoutes } from '@holdfast/lafs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newShare } from '../testing/new-shares.js';
import { secrets } from '../testing/test-client.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';

const slowest = 200_000;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ settings: { limits: { slowest, patience: '1s' } } });
});
afterAll(() => server?.[Symbol.asyncDispose]());

const open: TLSSocket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

/** A connection on which a test writes and reads as slowly as it likes. */
async function dial(
  head: string,
): Promise<{ socket: TLSSocket; ended: Promise<string>; over: () => boolean }> {
  const { hostname: host, port } = new URL(server.client.origin);
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
  open.push(socket);
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  let text = '';
  let over = false;
  const ended = new Promise<string>((resolve) => {
    socket.on('error', () => undefined);
    socket.once('close', () => {
      over = true;
      resolve(text);
    });
  });
  socket.write(head);
  return {
    socket,
    ended: (async () => {
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
      });
      return ended;
    })(),
    over: () => over,
  };
}

function head(method: string, path: string, lines: readonly string[]): string {
  const authorization = `Authorization: ${formatAuthorization(server.client.swissnum)}`;
  return `${[`${method} ${path} HTTP/1.1`, 'Host: s1', authorization, ...lines].join('\r\n')}\r\n\r\n`;
}

const upload = formatSecrets({ 'upload-secret': secrets['upload-secret'] }).map(
  (value) => `X-Tahoe-Authorization: ${value}`,
);

describe('a client that trickles a body', () => {
  it('is told so and cut off, and the share can be written by a better connection', async () => {
    const share = newShare();
    await server.client.allocated(share.storageIndex, [0], 1_000_000);
    const lines = [...upload, 'Content-Range: bytes 0-999999/*', 'Content-Length: 1000000'];
    const trickling = await dial(head('PATCH', storageRoutes.writeShare.path(share), lines));
    const begun = performance.now();
    while (!trickling.over() && performance.now() - begun < 10_000) {
      trickling.socket.write(Buffer.alloc(100));
      await delay(50);
    }
    const answer = await trickling.ended;
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toMatch(/the body came slower than 200000 bytes a second\n$/);
    expect(performance.now() - begun).toBeLessThan(8_000);
    const data = randomBytes(1_000_000);
    expect((await server.client.write(share, { begin: 0, end: 1_000_000 }, data)).status).toBe(201);
  });

  it('is cut off also where nobody wants the body', async () => {
    const lines = ['Content-Length: 1000000', 'Accept: application/cbor'];
    const trickling = await dial(head('GET', '/storage/v1/version', lines));
    const begun = performance.now();
    while (!trickling.over() && performance.now() - begun < 10_000) {
      trickling.socket.write(Buffer.alloc(100));
      await delay(50);
    }
    expect(trickling.over()).toBe(true);
    expect(await trickling.ended).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('but sends just fast enough is served', async () => {
    // A busy machine may send nothing for a second or two.
    await using patient = await startTestServer({ settings: { limits: { slowest, patience: '10s' } } });
    const share = newShare();
    const size = 6_000_000;
    await patient.client.allocated(share.storageIndex, [0], size);
    async function* steadily() {
      for (let sent = 0; sent < size; sent += 30_000) {
        yield Buffer.alloc(30_000);
        await delay(80);
      }
    }
    const answer = await patient.client.write(share, { begin: 0, end: size }, steadily() as never);
    expect(answer.status).toBe(201);
  });
});

describe('a client that does not take its answer', () => {
  const size = 30_000_000;
  const share = newShare();
  const request = () => head('GET', storageRoutes.readShare.path(share), []);
  beforeAll(() => server.client.store(share, randomBytes(size)));

  it('is cut off, and no longer holds memory or a file', async () => {
    const asked = Array.from({ length: 8 }, () => dial(request()));
    const stalled = await Promise.all(asked);
    for (const { socket } of stalled) socket.pause();
    const slow = async () => {
      const metrics = await (await fetch(`${server.operator}/metrics`)).text();
      return Number(
        /holdfast_storage_slow_clients_total\{direction="taking"[^}]*\} (\d+)/.exec(metrics)?.[1] ?? 0,
      );
    };
    // 512 KiB may take three seconds at this pace, and the patience comes on top.
    await expect.poll(slow, { timeout: 20_000, interval: 200 }).toBe(8);
    for (const { socket } of stalled) socket.resume();
    for (const { ended } of stalled) expect((await ended).length).toBeLessThan(size);
  });

  it('but takes just fast enough gets all of it', async () => {
    const { socket, ended } = await dial(request().replace('Host: s1', 'Host: s1\r\nConnection: close'));
    let taken = 0;
    socket.on('data', async (chunk: Buffer) => {
      taken += chunk.length;
      socket.pause();
      await delay(2);
      socket.resume();
    });
    await ended;
    expect(taken).toBeGreaterThan(size);
  });
});

describe('the head of a request', () => {
  it('may have 16 KiB', async () => {
    const path = '/storage/v1/version';
    const lines = (bytes: number) => [
      'Accept: application/cbor',
      'Connection: close',
      `X: ${'x'.repeat(bytes)}`,
    ];
    expect(await (await dial(head('GET', path, lines(15_000)))).ended).toMatch(/^HTTP\/1\.1 200 /);
    expect(await (await dial(head('GET', path, lines(17_000)))).ended).toMatch(/^HTTP\/1\.1 431 /);
  });
});
