import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type SocksBehaviour, type SocksProxy, startSocksProxy, temporaryFolder } from '@holdfast/lab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectionTypes } from './connection-types.js';
import { type DialOptions, dial } from './dial.js';
import { type Route, routesFor } from './routes.js';
import { freshIsolation } from './stream-isolation.js';

// A server that speaks first, as NATS does, and says again what it hears.
let server: { port: number } & AsyncDisposable;
let proxy: SocksProxy;
beforeEach(async () => {
  server = await startEcho();
  proxy = await startSocksProxy();
});
afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const route = (handler: string, host = 'hidden.example', endpoint = proxy.endpoint): Route => {
  const types = connectionTypes.parse({ tcp: { handler, parameters: { endpoint } } });
  const [only] = routesFor([{ transport: 'tcp', host, port: server.port }], types);
  if (!only) throw new Error('no route');
  return only;
};
const options = (more: Partial<DialOptions> = {}): DialOptions => ({
  isolation: freshIsolation(),
  signal: new AbortController().signal,
  ...more,
});

describe('a connection through a proxy', () => {
  it('carries what both sides say, and leaves the name to the proxy', async () => {
    const socket = await dial(route('socks5'), options());
    expect(await exchange(socket, 'hello')).toBe('welcome hello');
    expect(proxy.requests).toEqual([{ host: 'hidden.example', port: server.port, shown: undefined }]);
  });

  it('reaches a proxy by its Unix socket', async () => {
    await using folder = await temporaryFolder('socks');
    await using local = await startSocksProxy({ path: join(folder.path, 'socks') });
    const socket = await dial(route('socks5', '127.0.0.1', local.endpoint), options());
    expect(await exchange(socket, 'hello')).toBe('welcome hello');
    expect(local.requests).toMatchObject([{ host: '127.0.0.1' }]);
  });

  it('is shown to Tor under the name of its isolation, and to no other proxy', async () => {
    const [one, other] = [freshIsolation(), freshIsolation()];
    for (const isolation of [one, one, other]) (await dial(route('tor'), options({ isolation }))).destroy();
    (await dial(route('i2p'), options())).destroy();
    expect(proxy.requests.map(({ shown }) => shown)).toEqual([one, one, other, undefined]);
    expect(one.username).not.toBe(other.username);
    expect(one.password).not.toBe(other.password);
  });

  it.each<[SocksBehaviour, string]>([
    ['refuses', 'cannot reach it: host unreachable'],
    ['closes', 'closed the connection without an answer'],
    ['talks nonsense', 'answered, but not as a SOCKS5 proxy does'],
    ['says nothing', 'said nothing in time'],
    ['never reaches', 'did not reach it in time'],
    ['asks no name', 'asks for no name, so it would not keep servers apart'],
  ])('fails with a reason where the proxy %s', { timeout: 15_000 }, async (behaviour, reason) => {
    proxy.behave(behaviour);
    const timeout = behaviour === 'never reaches' ? 300 : 20_000;
    await expect(dial(route('tor'), options({ timeout }))).rejects.toMatchObject({
      code: 'proxy',
      message: `the SOCKS proxy at ${proxy.endpoint} ${reason}`,
    });
  });

  it('fails with a reason where there is no proxy, or a name is longer than a proxy takes', async () => {
    await expect(dial(route('socks5', 'h', 'unix:/nowhere/socks'), options())).rejects.toThrow(
      'the SOCKS proxy at unix:/nowhere/socks cannot be reached: connect ENOENT',
    );
    await expect(dial(route('socks5', 'h'.repeat(256)), options())).rejects.toThrow('255 bytes');
  });

  it('ends at once when nobody wants it any more', async () => {
    proxy.behave('never reaches');
    const ending = new AbortController();
    const dialled = expect(dial(route('socks5'), options({ signal: ending.signal }))).rejects.toThrow(
      'is not needed any more',
    );
    ending.abort();
    await dialled;
  });
});

describe('a direct connection', () => {
  it('goes to the place itself', async () => {
    const types = { tcp: { handler: 'tcp' } } as const;
    const [direct] = routesFor([{ transport: 'tcp', host: '127.0.0.1', port: server.port }], types);
    const socket = await dial(direct as Route, options());
    expect(await exchange(socket, 'hello')).toBe('welcome hello');
    expect(proxy.requests).toEqual([]);
  });
});

async function exchange(socket: Socket, words: string): Promise<string> {
  let heard = '';
  socket.setEncoding('utf8').on('data', (text) => {
    heard += text;
  });
  socket.write(words);
  while (!heard.includes(words)) await once(socket, 'data');
  socket.destroy();
  return heard;
}

async function startEcho(): Promise<{ port: number } & AsyncDisposable> {
  const listener = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('welcome ');
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await once(listener, 'close');
    },
  };
}
