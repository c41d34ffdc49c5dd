import { type ChildProcess, execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, copyFile, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  createTestDatabase,
  destinations,
  endTraced,
  holdfastProgram,
  Lab,
  makeNetworkNamespace,
  type NetworkNamespace,
  type SocksProxy,
  startSocksProxy,
  type TemporaryFolder,
  temporaryFolder,
  waitFor,
  whyNoNetworkNamespace,
} from '@holdfast/lab';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

// An anonymous broker in a network of its own, from which only Unix sockets lead out: one to a SOCKS proxy, one to
// Postgres. What it tries beside these is seen by a tracer, and counted at an interface that leads nowhere.

const skipped = await whyNoNetworkNamespace();
if (skipped && process.env.CI) throw new Error(`cannot be skipped here: ${skipped}`);

const [web, operator] = ['127.0.0.1:3456', '127.0.0.1:7103'];

describe.skipIf(skipped)(`an anonymous broker${skipped ? ` (skipped: ${skipped})` : ''}`, () => {
  let lab: Lab;
  let grid: string;
  let labBroker: string;
  /** The URL of the lab's bus, which is guarded by TLS and passwords. */
  let bus: string;
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let folder: TemporaryFolder;
  let dir: string;
  let postgres: AsyncDisposable;
  let proxy: SocksProxy;
  let space: NetworkNamespace;
  let broker: ChildProcess | undefined;
  let output: string;

  beforeAll(async () => {
    lab = await Lab.up({ storage: 2, shares: { required: 1, happy: 2, total: 2 } });
    labBroker = join(lab.dir, 'broker1');
    bus = /^bus: (\S+)$/m.exec(await readFile(join(labBroker, 'node.yaml'), 'utf8'))?.[1] ?? '';
    grid = JSON.parse(await readFile(join(lab.dir, 'plan.json'), 'utf8')).grid;
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    database = await createTestDatabase();
    folder = await temporaryFolder('anon');
    dir = join(folder.path, 'broker');
    const place = new URL(database.url);
    postgres = await forward(join(folder.path, '.s.PGSQL.5432'), place);
    proxy = await startSocksProxy({ path: join(folder.path, 'socks') });
    space = await makeNetworkNamespace();
    const { username, password, pathname } = place;
    await promisify(execFile)(process.execPath, [
      ...[holdfastProgram, 'init', 'broker', dir, '--grid', grid, '--shares', '1,2,2'],
      ...['--listen', web, '--operator', operator, '--nats', bus],
      '--postgres',
      `postgres://${username}:${password}@${encodeURIComponent(folder.path)}:5432${pathname}`,
    ]);
    await appendFile(join(dir, 'node.yaml'), 'anonymous: true\n');
    for (const name of ['bus', 'introducer-far']) {
      for (const part of ['.password', '-ca.pem'])
        await copyFile(join(labBroker, 'private', `bus${part}`), join(dir, 'private', name + part)).catch(
          // A bus given by NATS_URL may be open to all.
          (error: NodeJS.ErrnoException) => expect(error.code).toBe('ENOENT'),
        );
    }
  });
  afterEach(async () => {
    if (broker) await endTraced(broker);
    broker = undefined;
    for (const each of [space, proxy, postgres, folder, database]) await each?.[Symbol.asyncDispose]();
  });

  const trace = () => join(folder.path, 'trace');
  const start = () => {
    output = '';
    broker = space.start([process.execPath, holdfastProgram, 'run', dir], trace());
    for (const stream of [broker.stdout, broker.stderr]) stream?.on('data', (text) => (output += text));
    return broker;
  };
  const inBroker = (script: string) => space.evaluate(`const web = 'http://${web}';\n${script}`);
  const status = async () =>
    JSON.parse(await inBroker(`console.log(await (await fetch(web + '/?t=json')).text())`)) as {
      servers: { state: string; handler: string | null; last_error: string | null }[];
      introducers: { connections: { connected: boolean; handler: string | null }[] };
    };
  const states = (count: number, state: string) =>
    waitFor(
      `${count} ${state}`,
      async () => {
        if (broker?.exitCode !== null) throw new Error(output);
        const { servers } = await status();
        return servers.filter((each) => each.state === state).length === count ? servers : undefined;
      },
      { timeoutMs: 40_000 },
    );

  it('stores and reads through the proxy, and sends not one packet elsewhere', {
    timeout: 120_000,
  }, async () => {
    const handler = `{ handler: tor, parameters: { endpoint: "unix:${folder.path}/socks" } }`;
    await writeFile(
      join(dir, 'connections.yaml'),
      `connection_types:\n  tcp: ${handler}\n  tor: ${handler}\n`,
    );
    start();
    expect((await states(2, 'connected')).map(({ handler }) => handler)).toEqual(['tor', 'tor']);
    expect((await status()).introducers.connections).toMatchObject([{ connected: true, handler: 'tor' }]);
    const content = randomBytes(100_000);
    await writeFile(join(folder.path, 'content'), content);
    const read = await inBroker(`
      import { readFile } from 'node:fs/promises';
      import { createHash } from 'node:crypto';
      const body = await readFile(${JSON.stringify(join(folder.path, 'content'))});
      const cap = await (await fetch(web + '/uri', { method: 'PUT', body })).text();
      const answer = await fetch(web + '/uri/' + encodeURIComponent(cap));
      console.log(createHash('sha256').update(Buffer.from(await answer.arrayBuffer())).digest('hex'));`);
    expect(read.trim()).toBe(createHash('sha256').update(content).digest('hex'));
    expect(await endTraced(broker as ChildProcess)).toBe(0);

    expect((await destinations(trace())).sort()).toEqual(
      ['.s.PGSQL.5432', 'socks'].map((name) => `{sa_family=AF_UNIX, sun_path="${join(folder.path, name)}"}`),
    );
    expect(await space.sent()).toBe(0);
    // The proxy was told each server by another name, and the bus by a third.
    const names = new Map<string, Set<string | undefined>>();
    for (const { host, port, shown } of proxy.requests) {
      const place = `${host}:${port}`;
      names.set(place, (names.get(place) ?? new Set()).add(shown?.username));
    }
    expect(names.size).toBe(3);
    expect([...names.values()].every((each) => each.size === 1)).toBe(true);
    expect(new Set([...names.values()].flatMap((each) => [...each])).size).toBe(3);
  });

  it('is seen by the tracer where a clause of its own sends it elsewhere', { timeout: 120_000 }, async () => {
    const direct = '{ tcp: { handler: tcp } }';
    await writeFile(
      join(dir, 'connections.yaml'),
      `introducers:\n  near: { url: "nats://10.11.12.13:4222", connection_types: ${direct} }\n`,
    );
    start();
    await waitFor('packets', async () => ((await space.sent()) > 0 ? true : undefined), {
      timeoutMs: 60_000,
    });
    await endTraced(broker as ChildProcess);
    expect((await destinations(trace())).join()).toContain('10.11.12.13');
  });

  it('says once for each server which way is missing, and tries none', { timeout: 120_000 }, async () => {
    const handler = `{ handler: socks5, parameters: { endpoint: "unix:${folder.path}/socks" } }`;
    await writeFile(
      join(dir, 'connections.yaml'),
      `introducers:\n  far: { url: "${bus}", connection_types: { tcp: ${handler} } }\n`,
    );
    start();
    for (const { last_error } of await states(2, 'unreachable'))
      expect(last_error).toBe('it has addresses of type tcp; connection_types allows none');
    await endTraced(broker as ChildProcess);
    const said = output.split('\n').filter((line) => line.includes('connection_types allows none'));
    expect(said).toHaveLength(2);
    expect(new Set(proxy.requests.map(({ port }) => port))).toEqual(new Set([Number(new URL(bus).port)]));
    expect(await space.sent()).toBe(0);
  });

  it.each([
    ['', 'node.yaml: bus: an anonymous node reaches a bus on another machine through a proxy only'],
    [
      'connection_types:\n  tcp: { handler: tcp }\n',
      'connections.yaml:2: connection_types.tcp: an anonymous node makes direct connections only where',
    ],
    [
      'connection_types:\n  tcp: { handler: socks5, parameters: { endpoint: "tcp:proxy.example:9050" } }\n',
      'connections.yaml:2: connection_types.tcp.parameters.endpoint: an anonymous node looks up no name',
    ],
  ])('does not start with %j', async (connections, reason) => {
    await writeFile(join(dir, 'connections.yaml'), connections);
    const settings = await readFile(join(dir, 'node.yaml'), 'utf8');
    await writeFile(join(dir, 'node.yaml'), settings.replace(/^bus: .*$/m, 'bus: nats://bus.example:4222'));
    const [code] = await once(start(), 'close');
    expect(code).toBe(1);
    expect(output).toContain(reason);
    expect(await destinations(trace())).toEqual([]);
  });
});

/** Carries connections to a Unix socket on to a TCP port. */
async function forward(path: string, { hostname, port }: URL): Promise<AsyncDisposable> {
  const listener = createServer((socket) => {
    const upstream = connect(Number(port), hostname);
    socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
    upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  }).listen(path);
  await once(listener, 'listening');
  return {
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await once(listener, 'close');
    },
  };
}
