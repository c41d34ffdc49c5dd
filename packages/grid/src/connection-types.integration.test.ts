import { randomBytes } from 'node:crypto';
import type { ConnectionTypes } from '@holdfast/common/connections';
import { connectionTypes } from '@holdfast/common/connections';
import { generateNodePem, parseNodePem } from '@holdfast/common/identity';
import { silentLogger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { freePort, type SocksBehaviour, type SocksProxy, startSocksProxy, waitFor } from '@holdfast/lab';
import { formatNurl, type Nurl, parseNurl } from '@holdfast/lafs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KnownServer } from './connections/known-server.js';
import type { ServerStatus } from './connections/server-connection.js';
import { ServerSet } from './connections/server-set.js';
import { countConnected } from './testing/lab-client.js';
import { type RecordingServer, startRecordingServer } from './testing/recording-server.js';

// Which handler reaches which server, seen from the servers and from a SOCKS proxy.

let server: RecordingServer;
let other: RecordingServer;
let proxy: SocksProxy;
const sets: ServerSet[] = [];
beforeEach(async () => {
  server = await startRecordingServer('s1');
  other = await startRecordingServer('s2');
  // Names that nobody but the proxy knows.
  proxy = await startSocksProxy({
    names: {
      'one.onion': { host: '127.0.0.1', port: server.port },
      'two.onion': { host: '127.0.0.1', port: other.port },
      'one.i2p': { host: '127.0.0.1', port: server.port },
    },
  });
});
afterEach(async () => {
  await Promise.all(sets.splice(0).map((set) => set.close()));
  await Promise.all([server, other, proxy].map((each) => each[Symbol.asyncDispose]()));
});

const typesOf = (map: Record<string, string>): ConnectionTypes =>
  connectionTypes.parse(
    Object.fromEntries(
      Object.entries(map).map(([kind, handler]) => {
        const direct = handler === 'tcp' || handler === 'disabled';
        return [kind, direct ? { handler } : { handler, parameters: { endpoint: proxy.endpoint } }];
      }),
    ),
  );
const open = (types: ConnectionTypes, ...known: KnownServer[]) => {
  const set = new ServerSet({
    leaseSecret: randomBytes(32),
    connectionTypes: types,
    startSpread: 50,
    logger: silentLogger(),
    registry: createRegistry({}),
  });
  sets.push(set);
  for (const each of known) set.set(each);
  return set;
};
const reaches = (set: ServerSet, count = 1) =>
  waitFor(`${count} connected`, () => countConnected(set) === count || undefined, {
    timeoutMs: 20_000,
    everyMs: 10,
  });
const fails = (set: ServerSet, why: RegExp) =>
  waitFor(`unreachable: ${why}`, () =>
    set.statuses().find(({ state, lastError }) => state === 'unreachable' && why.test(lastError ?? '')),
  );
const only = (set: ServerSet) => set.statuses()[0] as ServerStatus;

/** The same server, said to be at other places. */
const at = (known: KnownServer, ...places: Partial<Nurl>[]): KnownServer => ({
  ...known,
  nurls: places.map((place) => formatNurl({ ...parseNurl(known.nurls[0] ?? ''), ...place })),
});
const onion = (known: KnownServer, host: string) => at(known, { transport: 'tor', host, port: 443 });
const list = (set: ServerSet) => {
  const index = randomBytes(16);
  return Promise.all(set.connectedFor(index).map((each) => each.listShares(index)));
};

describe('a server with an onion address', () => {
  it('is used through Tor, whose proxy gets the name, and servers are shown to it under names of their own', async () => {
    const set = open(
      typesOf({ tor: 'tor' }),
      onion(server.known, 'one.onion'),
      onion(other.known, 'two.onion'),
    );
    await reaches(set, 2);
    expect(await list(set)).toHaveLength(2);
    expect(only(set)).toMatchObject({ handler: 'tor', address: 'one.onion:443' });
    const names = (host: string) =>
      new Set(proxy.requests.filter((asked) => asked.host === host).map(({ shown }) => shown?.username));
    const [one, two] = [names('one.onion'), names('two.onion')];
    expect(one.size).toBe(1);
    expect(two.size).toBe(1);
    expect(one).not.toEqual(two);
    // Another process is another client.
    await reaches(open(typesOf({ tor: 'tor' }), onion(server.known, 'one.onion')));
    expect(names('one.onion').size).toBe(2);
  });

  it('is asked for by each connection under the same name, so that its circuit is shared with nobody else', async () => {
    const set = open(typesOf({ tor: 'tor' }), onion(server.known, 'one.onion'));
    await reaches(set);
    const [storage] = set.connectedFor(randomBytes(16));
    await Promise.all(Array.from({ length: 5 }, () => storage?.listShares(randomBytes(16))));
    expect(proxy.requests.length).toBeGreaterThan(1);
    expect(new Set(proxy.requests.map(({ shown }) => JSON.stringify(shown))).size).toBe(1);
  });

  it('cannot be reached without a handler for it, and the status says what there is and what is allowed', () => {
    const set = open(typesOf({ tcp: 'tcp', tor: 'disabled' }), {
      ...onion(server.known, 'one.onion'),
      furl: server.known.furl.replace('tcp:127.0.0.1', 'tor:one.onion'),
    });
    expect(only(set)).toMatchObject({
      state: 'unreachable',
      address: undefined,
      handler: undefined,
      lastError: 'it has addresses of type tor; connection_types allows tcp',
    });
    expect(server.knocks()).toBe(0);
  });
});

describe('a map of connection types', () => {
  it('that is given for a server replaces the default, whole', async () => {
    const direct = { ...server.known, connectionTypes: typesOf({ tcp: 'tcp' }) };
    const set = open(typesOf({ tcp: 'socks5', tor: 'tor' }), direct);
    await reaches(set);
    expect(only(set).handler).toBe('tcp');
    expect(proxy.requests).toEqual([]);
    // Its map says nothing of Tor, so the default's handler is not used.
    set.set({ ...direct, ...onion(direct, 'one.onion'), furl: direct.furl.replace('tcp:', 'tor:') });
    expect(only(set).lastError).toBe('it has addresses of type tor; connection_types allows tcp');
    // One whose map changes is reached in the new way.
    set.set(server.known);
    await reaches(set);
    expect(only(set).handler).toBe('socks5');
    expect(proxy.requests[0]).toMatchObject({ host: '127.0.0.1', shown: undefined });
  });

  it('sends I2P addresses to the proxy of I2P', async () => {
    const known = at(server.known, { transport: 'i2p', host: 'one.i2p', port: 443 });
    const set = open(typesOf({ tcp: 'disabled', i2p: 'i2p' }), known);
    await reaches(set);
    expect(only(set)).toMatchObject({ handler: 'i2p', address: 'one.i2p:443' });
    expect(proxy.requests[0]?.host).toBe('one.i2p');
  });

  it('lets the hints of the FURL be tried where no NURL can be reached', async () => {
    const set = open(typesOf({ tcp: 'tcp' }), onion(server.known, 'one.onion'));
    await reaches(set);
    expect(only(set)).toMatchObject({ handler: 'tcp', address: `127.0.0.1:${server.port}` });
    expect(proxy.requests).toEqual([]);
  });
});

describe('a server with several addresses', () => {
  it('is reached by the next where one does not lead to it', async () => {
    const dead = { host: '127.0.0.1', port: await freePort() };
    const wrong = { host: '127.0.0.1', port: other.port };
    const set = open(typesOf({ tcp: 'tcp' }), at(server.known, dead, wrong, {}));
    await reaches(set);
    expect(only(set)).toMatchObject({ address: `127.0.0.1:${server.port}` });
    expect(await list(set)).toHaveLength(1);
    // The one that worked is tried first from then on.
    const knocks = other.knocks();
    server.hangUp();
    await waitFor('it comes again', () => server.knocks() > 1 || undefined);
    await reaches(set);
    expect(other.knocks()).toBe(knocks);
    expect(other.requests).toEqual([]);
  });

  it('says of each what is wrong with it', async () => {
    const dead = { host: '127.0.0.1', port: await freePort() };
    const wrong = { host: '127.0.0.1', port: other.port };
    const set = open(typesOf({ tcp: 'tcp' }), at(server.known, dead, wrong));
    const { lastError } = await fails(set, /./);
    expect(lastError).toMatch(`127.0.0.1:${dead.port}: connect ECONNREFUSED`);
    expect(lastError).toMatch(`127.0.0.1:${other.port}: the server shows another key than its NURL names`);
    expect(other.requests).toEqual([]);
  });
});

describe('a proxy', () => {
  it.each<[SocksBehaviour, RegExp]>([
    ['refuses', /^s1: the SOCKS proxy at tcp:\S+ cannot reach it: host unreachable$/],
    ['says nothing', /^s1: the SOCKS proxy at tcp:\S+ said nothing in time$/],
    ['talks nonsense', /^s1: the SOCKS proxy at tcp:\S+ answered, but not as a SOCKS5 proxy does$/],
    ['closes', /^s1: the SOCKS proxy at tcp:\S+ closed the connection without an answer$/],
  ])(
    'that %s is named in the status of its servers, which are used once it carries again',
    async (behaviour, why) => {
      proxy.behave(behaviour);
      const set = open(typesOf({ tor: 'tor' }), onion(server.known, 'one.onion'));
      await fails(set, why);
      expect(server.knocks()).toBe(0);
      proxy.behave('carries');
      await waitFor('it is used again', () => countConnected(set) === 1 || undefined, { timeoutMs: 20_000 });
    },
  );

  it('that leads to another server is not believed', async () => {
    const set = open(typesOf({ tor: 'tor' }), onion(server.known, 'two.onion'));
    await fails(set, /two.onion:443: the server shows another key than its NURL names/);
    expect(other.knocks()).toBeGreaterThan(0);
    expect(other.requests).toEqual([]);
  });

  it('does not keep the end waiting', async () => {
    proxy.behave('never reaches');
    const set = open(typesOf({ tor: 'tor' }), onion(server.known, 'one.onion'));
    await waitFor('it is asked', () => proxy.requests.length > 0 || undefined);
    const began = performance.now();
    await set.close();
    expect(performance.now() - began).toBeLessThan(8_000);
  });
});

it('a server that shows another certificate than before is left alone', async () => {
  const set = open(typesOf({ tcp: 'tcp' }), server.known);
  await reaches(set);
  const { spkiHash } = parseNodePem(await generateNodePem());
  const [nurl = ''] = server.known.nurls;
  set.set({ ...server.known, nurls: [formatNurl({ ...parseNurl(nurl), spkiHash })] });
  server.forget();
  await fails(set, /another key/);
  expect(server.requests).toEqual([]);
});
