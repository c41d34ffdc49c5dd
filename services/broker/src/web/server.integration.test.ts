import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { silentLogger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { Grid, localCoding, ServerSet, TransferMemory } from '@holdfast/grid';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeConfiguration } from '../configuration.js';
import { Repairers } from '../repairs/repairers.js';
import { openWebServer, type WebServer } from './server.js';

// What only real sockets show: clients that fall silent, and clients that are too many.

const patience = 300;

let web: WebServer;
const sockets: Socket[] = [];

/** A gateway, with a grid that has no server. */
function openWeb(changed: Partial<NodeConfiguration['limits']> = {}, silence = patience): Promise<WebServer> {
  const logger = silentLogger();
  const registry = createRegistry({});
  const servers = new ServerSet({ leaseSecret: new Uint8Array(32), logger, registry });
  const encoding = { required: 3, happy: 7, total: 10, maximumSegmentSize: 2 ** 20 };
  const memory = new TransferMemory(128 * 2 ** 20);
  const convergenceSecret = new Uint8Array(32);
  return openWebServer({
    listen: { host: '127.0.0.1', port: 0 },
    grid: new Grid({
      servers,
      encoding,
      convergenceSecret,
      spoolDir: '/nonexistent',
      coding: localCoding,
      memory,
      logger,
    }),
    repairers: new Repairers(() => undefined, 'lab'),
    status: () => ({
      nickname: 'b',
      grid: 'lab',
      encoding,
      introducers: [],
      gridManagers: [],
      servers: servers.statuses().map((server) => ({ ...server, sources: [server.source] })),
      refusedEdit: undefined,
    }),
    page: new Map(),
    limits: {
      upload_size: 1000,
      uploads: 1,
      downloads: 1,
      memory: memory.size,
      slowest: 1,
      patience: 60_000,
      ...changed,
    },
    logger,
    registry,
    patience: silence,
  });
}

beforeEach(async () => {
  web = await openWeb();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await web.close();
});

async function open(): Promise<Socket> {
  const socket = connect(web.address.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** The status line of the answer to what was written. */
async function answer(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString().split('\r\n')[0] ?? '';
}

const head = (length: number) =>
  `POST /uri HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${length}\r\n\r\n`;
const field = '--b\r\nContent-Disposition: form-data; name="when_done"\r\n\r\n/';
const file = '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nhello';

describe('a client that sends a form and falls silent', () => {
  it.each([
    ['before the first field', ''],
    ['in a field that is no file', field],
    ['in its file', file],
    ['after its file', `${file}\r\n${field}`],
  ])('%s is told that it was too slow', async (_where, sent) => {
    const socket = await open();
    const started = performance.now();
    socket.write(head(1000) + sent);
    expect(await answer(socket)).toBe('HTTP/1.1 408 Request Timeout');
    expect(performance.now() - started).toBeGreaterThan(patience - 50);
  });

  it('is waited for as long as something comes', async () => {
    // A busy machine may take a second or two for a step; all of them together are longer than the silence may be.
    await web.close();
    web = await openWeb({}, 3_000);
    const socket = await open();
    const text = `${field}${'x'.repeat(20)}\r\n${file}\r\n--b--\r\n`;
    socket.write(head(text.length));
    const answered = answer(socket);
    const step = Math.ceil(text.length / 6);
    for (let at = 0; at < text.length; at += step) {
      await new Promise((resolve) => setTimeout(resolve, 600));
      socket.write(text.slice(at, at + step));
    }
    expect(await answered).toBe('HTTP/1.1 302 Found');
  });
});

describe('a client that reads an answer only when it has sent its whole body', () => {
  const large = 32 * 2 ** 20;
  const chunked = (method: string) =>
    `${method} /uri HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const chunk = (content: string) => `${content.length.toString(16)}\r\n${content}\r\n`;

  /** Sends far more than connections and the gateway hold, and only then looks for the answer. */
  async function sendAll(socket: Socket, head: string): Promise<string> {
    socket.pause();
    socket.write(head);
    const piece = chunk('x'.repeat(2 ** 16));
    for (let sent = 0; sent < large; sent += 2 ** 16) if (!socket.write(piece)) await once(socket, 'drain');
    socket.write(chunk(''));
    return answer(socket.resume());
  }

  it.each([
    ['a body', chunked('PUT')],
    ['a form', chunked('POST') + chunk(file)],
  ])('learns that %s was too large', async (_what, head) => {
    expect(await sendAll(await open(), head)).toBe('HTTP/1.1 413 Payload Too Large');
  });

  it.each([
    ['a body', chunked('PUT')],
    ['a form', chunked('POST') + chunk(file)],
  ])('learns that there was no place for %s', async (_what, head) => {
    await web.close();
    web = await openWeb({}, 60_000);
    // One is at work and four are in line; they send no end.
    for (let count = 0; count < 5; count++) (await open()).write(chunked('PUT'));
    expect(await sendAll(await open(), head)).toBe('HTTP/1.1 503 Service Unavailable');
  });

  it('learns that a field of its form was too long', async () => {
    const start = chunked('POST') + chunk(`${field}${'x'.repeat(5_000)}\r\n${file}`);
    expect(await sendAll(await open(), start)).toBe('HTTP/1.1 400 Bad Request');
  });
});

it('a client that falls silent in the body of a PUT is told that it was too slow, on a connection that lives on', async () => {
  const socket = await open();
  socket.write('PUT /uri HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello');
  expect(await answer(socket)).toBe('HTTP/1.1 408 Request Timeout');
  socket.write('there');
  socket.write('GET /uri/URI:LIT:nbswy3dp HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(await answer(socket)).toBe('HTTP/1.1 200 OK');
});

describe('a client that is never silent for long', () => {
  const put = 'PUT /uri HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n';
  beforeEach(async () => {
    await web.close();
    web = await openWeb({ upload_size: 1_000_000, slowest: 5_000, patience: 500 }, 60_000);
  });

  /** Sends so much fifty times a second until there is an answer. */
  async function trickle(socket: Socket, size: number): Promise<string> {
    const sending = setInterval(() => socket.write('x'.repeat(size)), 20);
    try {
      return await answer(socket);
    } finally {
      clearInterval(sending);
    }
  }

  it.each([
    ['in the body of a PUT', put],
    ['in a field of a form', head(500_000) + field],
    ['in the file of a form', head(500_000) + file],
  ])('is told that it sends too slowly %s, and its place goes to another', async (_where, sent) => {
    const slow = await open();
    slow.write(sent);
    const told = trickle(slow, 1);
    const other = await open();
    other.write('PUT /uri HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello');
    expect(await answer(other)).toBe('HTTP/1.1 200 OK');
    expect(await told).toBe('HTTP/1.1 408 Request Timeout');
  });

  it('is waited for where it sends fast enough, however long it takes', async () => {
    const socket = await open();
    socket.write(put);
    // The grid has no server: that is found out when all of the file has come.
    expect(await trickle(socket, 5_000)).toBe('HTTP/1.1 500 Internal Server Error');
  });
});

it('a gateway takes no more connections than it can have use for', async () => {
  const most = 5 * 2 + 256;
  const opened = await Promise.all(Array.from({ length: most }, open));
  const surplus = await open();
  await once(surplus, 'close');
  const [first] = opened as [Socket];
  first.write('GET /uri/URI:LIT:nbswy3dp HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(await answer(first)).toBe('HTTP/1.1 200 OK');
});
