import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readYamlConfiguration } from '@holdfast/common/configuration';
import {
  destinations,
  holdfastProgram,
  makeNetworkNamespace,
  type NetworkNamespace,
  type RunningNats,
  type SocksProxy,
  startNats,
  startSocksProxy,
  type TemporaryFolder,
  temporaryFolder,
  waitFor,
  whyNoNetworkNamespace,
} from '@holdfast/lab';
import { readConnections } from '@holdfast/membership';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { holdfast } from '../testing/run-holdfast.js';

// Inviting and joining where the bus may be reached in certain ways only, and what of these is told.

const onion = `${'abcdefgh'.repeat(7)}.onion`;
const skipped = await whyNoNetworkNamespace();
if (skipped && process.env.CI) throw new Error(`cannot be skipped here: ${skipped}`);

let nats: RunningNats;
let folder: TemporaryFolder;
let proxy: SocksProxy;
const inviting: ChildProcess[] = [];
beforeAll(async () => {
  nats = await startNats();
  folder = await temporaryFolder('invited');
  const { hostname: host, port } = new URL(nats.url);
  const names = { [onion]: { host, port: Number(port) } };
  proxy = await startSocksProxy({ path: join(folder.path, 'socks'), names });
});
afterEach(() => {
  for (const child of inviting.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await nats?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

const at = (name: string) => join(folder.path, name);

/** The folder of a node that need not run, since an invitation is of what stands in it. */
async function makeNode(role: 'storage' | 'broker', name: string, ...options: string[]): Promise<string> {
  const made = await holdfast(['init', role, at(name), '--grid', 'g', '--nats', nats.url, ...options]);
  expect(made).toMatchObject({ status: 0, stderr: '' });
  return at(name);
}

/** Runs `holdfast invite` until it has printed a code. */
async function invite(dir: string): Promise<string> {
  const child = spawn(process.execPath, [holdfastProgram, 'invite', '--dir', dir]);
  inviting.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  return waitFor('a code', () => {
    if (child.exitCode !== null) throw new Error(output);
    return /^holdfast join (\S+) DIR$/m.exec(output)?.[1];
  });
}

describe('an anonymous node', () => {
  it.skipIf(skipped)('invites and is invited through its proxy, and nothing goes anywhere else', async () => {
    const inviter = await makeNode(
      ...(['storage', 'hidden'] as const),
      ...['--nats', `nats://${onion}:4222`, '--location', `${onion}:7201`],
    );
    const tor = `{ handler: tor, parameters: { endpoint: "unix:${at('socks')}" } }`;
    await appendFile(join(inviter, 'node.yaml'), `anonymous: true\nconnection_types: { tor: ${tor} }\n`);
    const code = await invite(inviter);
    expect(code).toContain(`nats://${onion}:4222/`);

    await using space: NetworkNamespace = await makeNetworkNamespace();
    const dir = at('anonymous');
    const program = [process.execPath, holdfastProgram, 'join', code, dir, '--anonymous'];
    const joining = space.start([...program, '--proxy', `tor=unix:${at('socks')}`], at('trace'));
    let output = '';
    for (const stream of [joining.stdout, joining.stderr]) stream?.on('data', (text) => (output += text));
    const [status] = await once(joining, 'close');
    expect({ status, output }).toMatchObject({ status: 0 });
    expect(await destinations(at('trace'))).toEqual([`{sa_family=AF_UNIX, sun_path="${at('socks')}"}`]);
    expect(await space.sent()).toBe(0);
    // By name: it was not looked up here.
    expect(new Set(proxy.requests.map(({ host }) => host))).toEqual(new Set([onion]));

    const { nodeConfiguration } = await import('@holdfast/storage');
    expect(await readYamlConfiguration(join(dir, 'node.yaml'), nodeConfiguration)).toMatchObject({
      anonymous: true,
      bus: `nats://${onion}:4222`,
      locations: [],
      connection_types: { tor: { handler: 'tor', parameters: { endpoint: { path: at('socks') } } } },
    });
  });

  it('makes no direct connection to join', async () => {
    const before = proxy.requests.length;
    const { stderr, status } = await holdfast([
      ...['join', `nats://bus.example:4222/${'a'.repeat(26)}`, at('refused'), '--anonymous'],
    ]);
    expect({ stderr, status }).toEqual({
      status: 1,
      stderr: 'holdfast: bus.example:4222: no connection to it is allowed: name a --proxy\n',
    });
    expect(proxy.requests).toHaveLength(before);
  });

  it.each([
    [['--postgres', 'postgres://db.example/h'], '--postgres: an anonymous node needs its Postgres'],
    [['--location', '192.0.2.1:7201'], '--location: an anonymous node tells of no place but .onion and .i2p'],
    [['--proxy', 'tor=tcp:proxy.example:9050'], '--proxy: an anonymous node looks up no name'],
  ])(
    'is refused what would tell where it is, before the invitation is used up: %j',
    async (options, message) => {
      const { stderr, status } = await holdfast([
        ...['join', `nats://${onion}:4222/${'a'.repeat(26)}`, at('refused'), '--anonymous', ...options],
      ]);
      expect(status).toBe(2);
      expect(stderr).toContain(message);
    },
  );
});

describe('join', () => {
  it('goes through the proxy that it is given, and so will the node', async () => {
    const code = await invite(await makeNode('broker', 'inviter'));
    const { hostname, port } = new URL(nats.url);
    const before = proxy.requests.length;
    const joined = await holdfast(['join', code, at('proxied'), '--proxy', `socks5=unix:${at('socks')}`]);
    expect(joined).toMatchObject({ status: 0, stderr: '' });
    expect(proxy.requests.slice(before)).toMatchObject([{ host: hostname, port: Number(port) }]);
    const socks5 = { handler: 'socks5', parameters: { endpoint: { path: at('socks') } } };
    expect(await readConnections(at('proxied'), { anonymous: false })).toMatchObject({
      connection_types: { tcp: socks5, tor: socks5 },
    });
  });

  it.each(['pigeon', 'socks5', 'tor=localhost', 'i2p=udp:1:2'])('refuses the proxy %s', async (way) => {
    const code = `nats://${onion}:4222/${'a'.repeat(26)}`;
    const { stderr, status } = await holdfast(['join', code, at('refused'), '--proxy', way]);
    expect(status).toBe(2);
    expect(stderr).toContain(`--proxy ${way}: expected tor or i2p`);
  });
});

describe('an invitation', () => {
  const managerKey = `pub-v0-${'a'.repeat(51)}q`;

  it('of a broker tells its introducers with their passwords, and whom it lets vouch', async () => {
    const inviter = await makeNode('broker', 'listening');
    await writeFile(
      join(inviter, 'connections.yaml'),
      `introducers:
  near: { url: "${nats.url.replace('//', '//reader@')}" }
  far: { url: "nats://bus.example", connection_types: { tcp: { handler: tor } } }
`,
    );
    await writeFile(join(inviter, 'private', 'introducer-near.password'), 'p@ss\n');
    await writeFile(join(inviter, 'private', 'introducer-far-ca.pem'), 'a certificate\n');
    await appendFile(join(inviter, 'node.yaml'), `grid_managers: { ours: ${managerKey} }\n`);
    const joined = await holdfast(['join', await invite(inviter), at('like')]);
    expect(joined).toMatchObject({ status: 0, stderr: '' });
    const { introducers, connection_types } = await readConnections(at('like'), { anonymous: false });
    expect(introducers).toEqual({
      near: { url: `${nats.url.replace('//', '//reader@')}` },
      // How it is reached is the new node's matter: it has proxies of its own.
      far: { url: 'nats://bus.example' },
    });
    expect(connection_types).toBeUndefined();
    const kept = (file: string) => readFile(join(at('like'), 'private', file), 'utf8');
    expect(await kept('introducer-near.password')).toBe('p@ss\n');
    expect(await kept('introducer-far-ca.pem')).toBe('a certificate\n');
    expect(await readFile(join(at('like'), 'node.yaml'), 'utf8')).toContain(`ours: ${managerKey}`);
    expect(await readFile(join(at('like'), 'connections.yaml'), 'utf8')).not.toContain('p@ss');
  });

  it('of a storage server tells whom it announces itself to', async () => {
    const inviter = await makeNode('storage', 'announcing');
    await appendFile(
      join(inviter, 'node.yaml'),
      'introducers:\n  theirs: { url: "nats://storage@bus.example" }\n',
    );
    await writeFile(join(inviter, 'private', 'introducer-theirs.password'), 'secret\n');
    const joined = await holdfast(['join', await invite(inviter), at('likewise')]);
    expect(joined).toMatchObject({ status: 0, stderr: '' });
    const { nodeConfiguration } = await import('@holdfast/storage');
    expect(await readYamlConfiguration(join(at('likewise'), 'node.yaml'), nodeConfiguration)).toMatchObject({
      introducers: { theirs: { url: 'nats://storage@bus.example' } },
    });
    const password = join(at('likewise'), 'private', 'introducer-theirs.password');
    expect(await readFile(password, 'utf8')).toBe('secret\n');
  });

  it('of a broker that uses no bus is a file', async () => {
    const inviter = await makeNode('broker', 'alone');
    await writeFile(join(inviter, 'connections.yaml'), 'introducers: {}\n');
    const { status, stderr } = await holdfast(['invite', '--dir', inviter]);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'holdfast: this node uses no bus, so there is none to meet at: invite with --file\n',
    });
    const file = at('alone.invitation');
    expect(await holdfast(['invite', '--dir', inviter, '--file', file])).toMatchObject({ status: 0 });
    expect(await holdfast(['join', file, at('also-alone')])).toMatchObject({ status: 0, stderr: '' });
    expect(await readConnections(at('also-alone'), { anonymous: false })).toMatchObject({ introducers: {} });
  });
});
