import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { formatAuthorization, formatSecrets, storageRoutes } from '@holdfast/lafs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newIndex } from '../testing/new-shares.js';
import { secrets } from '../testing/test-client.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';

const megabyte = 1024 * 1024;

let server: TestServer;
let before: number;
const resident = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid()}/status`, 'utf8'))?.[1]) * 1024;
// A server for each test: one that has been large before does not grow again.
beforeEach(async () => {
  server = await startTestServer();
  before = resident();
});
afterEach(() => server?.[Symbol.asyncDispose]());

const open: TLSSocket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

async function dial(): Promise<TLSSocket> {
  const { hostname: host, port } = new URL(server.client.origin);
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
  socket.on('error', () => undefined);
  open.push(socket);
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  return socket;
}

const headOf = (method: string, path: string, more: readonly string[]) =>
  [
    `${method} ${path} HTTP/1.1`,
    'host: s1',
    `authorization: ${formatAuthorization(server.client.swissnum)}`,
    'accept: application/cbor',
    ...more,
    '\r\n',
  ].join('\r\n');

/** Most bytes that the server grew by within two seconds. */
async function growth(): Promise<number> {
  let most = 0;
  for (let look = 0; look < 20; look++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    most = Math.max(most, resident() - before);
  }
  return most;
}

describe('large messages', () => {
  it.each([
    ['a length', [`content-length: ${megabyte}`]],
    ['no length', ['transfer-encoding: chunked']],
  ])(
    'with %s that never end take up a bounded memory, and others get in when they are gone',
    async (_, how) => {
      const message = headOf('POST', storageRoutes.allocateShares.path({ storageIndex: newIndex() }), [
        'content-type: application/cbor',
        ...formatSecrets(secrets).map((secret) => `x-tahoe-authorization: ${secret}`),
        ...how,
      ]);
      const sent = megabyte - 100;
      for (let turn = 0; turn < 250; turn++) {
        const socket = await dial();
        socket.write(message);
        if (how[0]?.includes('chunked')) socket.write(`${megabyte.toString(16)}\r\n`);
        socket.write(Buffer.alloc(sent));
      }
      expect(await growth()).toBeLessThan(180 * megabyte);
      for (const socket of open.splice(0)) socket.destroy();
      const shares = new Map([0, 1].map((shareNumber) => [shareNumber, new Uint8Array(60_000)]));
      expect((await server.client.storeWhole(newIndex(), shares)).stored.size).toBe(2);
    },
    60_000,
  );
});

describe('answers with whole shares', () => {
  it('that nobody takes take up a bounded memory, and others get theirs when they are gone', async () => {
    const storageIndex = newIndex();
    const shares = new Map(Array.from({ length: 7 }, (_, shareNumber) => [shareNumber, randomBytes(65_000)]));
    await server.client.storeWhole(storageIndex, shares);
    before = resident();
    const ask = headOf('GET', storageRoutes.readWholeShares.path({ storageIndex }), []);
    for (let turn = 0; turn < 60; turn++) {
      const socket = await dial();
      socket.pause();
      socket.write(ask.repeat(16));
    }
    expect(await growth()).toBeLessThan(180 * megabyte);
    for (const socket of open.splice(0)) socket.destroy();
    expect((await server.client.readWhole(storageIndex)).shares.size).toBe(7);
  }, 60_000);
});
