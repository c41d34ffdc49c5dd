import { appendFile, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createTestDatabase,
  freePort,
  type GuardedProcess,
  holdfastProgram,
  Lab,
  type RunningNats,
  startGuarded,
  startNats,
  untilReady,
  waitFor,
} from '@holdfast/lab';
import { parseNurl } from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { announce, introduced, newer, tell } from './testing/announcing.js';
import type { StatusJson } from './web/status-json.js';

// A broker that hears of one server here and of another there, and what its operator says instead: all live.

let lab: Lab;
let grid: string;
let busOfLab: string;
let secondBus: RunningNats;
let second: GuardedProcess;
let database: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  lab = await Lab.up({ storage: 3, shares: { required: 1, happy: 1, total: 2 } });
  grid = JSON.parse(await readFile(join(lab.dir, 'plan.json'), 'utf8')).grid;
  busOfLab = await nameBusOfLab();
  secondBus = await startNats();
  database = await createTestDatabase();
  second = await startIntroducer();
});
afterAll(async () => {
  await second?.stop();
  await lab?.[Symbol.asyncDispose]();
  await secondBus?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

/** A second introducer of the lab's grid, on a bus of its own. */
async function startIntroducer(): Promise<GuardedProcess> {
  const folder = join(lab.dir, 'more', 'second');
  await mkdir(join(lab.dir, 'more'), { recursive: true });
  const operator = `127.0.0.1:${await freePort()}`;
  const holdfast = (...args: string[]) =>
    startGuarded({
      name: 'second',
      command: process.execPath,
      args: [holdfastProgram, ...args],
      log: join(lab.dir, 'more', 'second.log'),
      stopSignal: 'SIGTERM',
    });
  const made = await holdfast(
    ...['init', 'introducer', folder, '--nickname', 'second', '--grid', grid],
    ...['--postgres', database.url, '--nats', secondBus.url, '--operator', operator],
  );
  const { code } = await made.exited;
  if (code !== 0) throw new Error(await made.lastOutput());
  const running = await holdfast('run', folder);
  await untilReady('second', running, async () => {
    const answer = await fetch(`http://${operator}/readyz`);
    if (!answer.ok) throw new Error(await answer.text());
  });
  return running;
}

const status = async () => (await (await fetch(new URL('/?t=json', lab.broker))).json()) as StatusJson;
const server = async (nickname: string) =>
  (await status()).servers.find((each) => each.nodeid === node(nickname).id);
const node = (nickname: string) => {
  const found = lab.description.storage.find((each) => each.nickname === nickname);
  if (!found) throw new Error(`no ${nickname}`);
  return found;
};
/** Since when each connection is as it is: another time is another connection. */
const since = async (...nicknames: string[]) =>
  Promise.all(nicknames.map(async (nickname) => (await server(nickname))?.since));
const becomes = (what: string, holds: (status: StatusJson) => boolean) =>
  waitFor(what, async () => {
    const now = await status();
    return holds(now) ? now : undefined;
  });
const sourcesOf = (now: StatusJson, nickname: string) =>
  now.servers.find((each) => each.nodeid === node(nickname).id)?.sources;

const edit = (text: string) => writeFile(join(lab.dir, 'broker1', 'connections.yaml'), text);
const both = (bus = busOfLab) =>
  `introducers:\n  one: { url: "${bus}" }\n  two: { url: "${secondBus.url}" }\n`;
const secondAccess = () => ({ url: secondBus.url, ca: undefined });

/** The lab's bus for a node's introducer `one`: its address, and beside it what `private/` has for the bus of node.yaml. */
async function nameBusOfLab(nickname = 'broker1'): Promise<string> {
  const folder = join(lab.dir, nickname);
  for (const file of ['.password', '-ca.pem']) {
    const from = join(folder, 'private', `bus${file}`);
    // A bus that the test run was given may have neither.
    await copyFile(from, join(folder, 'private', `introducer-one${file}`)).catch((error) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
  return /^bus: (\S+)$/m.exec(await readFile(join(folder, 'node.yaml'), 'utf8'))?.[1] ?? '';
}

describe('a broker with several introducers', () => {
  it('takes them while it runs, and keeps every connection', async () => {
    const before = await since('s1', 's2', 's3');
    await edit(both());
    await becomes('both are heard', ({ introducers: { connections } }) =>
      ['one', 'two'].every((name) => connections.some((each) => each.name === name && each.connected)),
    );
    expect(await since('s1', 's2', 's3')).toEqual(before);
  });

  it('joins what they tell by server, and says who told of each', async () => {
    const [, s2] = ['s1', 's2'].map(node);
    const known = await introduced(lab.bus, grid);
    const announcement = known.get(s2?.id ?? '');
    if (!announcement || !s2) throw new Error('s2 is not introduced');
    // The same announcement at the other introducer.
    expect(await announce(secondAccess(), grid, announcement)).toEqual({ accepted: true });
    const now = await becomes(
      'both tell of s2',
      (each) => sourcesOf(each, 's2')?.includes('introducer:two') ?? false,
    );
    expect(sourcesOf(now, 's2')).toContain('introducer:one');
    expect(sourcesOf(now, 's1')).not.toContain('introducer:two');
    expect(now.servers).toHaveLength(3);
  });

  it('believes the highest seqnum wherever it is told, and no older one that is told again', async () => {
    const s2 = node('s2');
    const first = (await introduced(secondAccess(), grid)).get(s2.id);
    if (!first) throw new Error('s2 is not introduced');
    const before = await since('s1', 's2', 's3');
    await announce(secondAccess(), grid, await newer(s2.dir, first, { nickname: 'renamed' }));
    await becomes('the new name is known', ({ servers }) =>
      servers.some(({ nickname }) => nickname === 'renamed'),
    );
    for (const bus of [secondAccess(), lab.bus]) await tell(bus, grid, first);
    // Another announcement after it, so that the replayed one was heard.
    const s1 = node('s1');
    const ofS1 = (await introduced(lab.bus, grid)).get(s1.id);
    if (!ofS1) throw new Error('s1 is not introduced');
    await tell(secondAccess(), grid, ofS1);
    const now = await becomes(
      'two tells of s1',
      (each) => sourcesOf(each, 's1')?.includes('introducer:two') ?? false,
    );
    expect(now.servers.find(({ nodeid }) => nodeid === s2.id)?.nickname).toBe('renamed');
    expect(await since('s1', 's2', 's3')).toEqual(before);
  });

  it('hears of a server at each that the server announces itself to, with one seqnum', async () => {
    const s3 = node('s3');
    // As the user that a storage server is there.
    await appendFile(join(s3.dir, 'node.yaml'), both(await nameBusOfLab('s3')));
    await lab.stop('s3');
    const before = (await introduced(lab.bus, grid)).get(s3.id)?.message;
    await lab.start('s3');
    await becomes('both tell of s3', (each) =>
      ['one', 'two'].every((name) => sourcesOf(each, 's3')?.includes(`introducer:${name}`)),
    );
    const told = await waitFor('both have it', async () => {
      const [one, two] = [await introduced(lab.bus, grid), await introduced(secondAccess(), grid)];
      const message = one.get(s3.id)?.message;
      return message !== before && message === two.get(s3.id)?.message ? message : undefined;
    });
    expect(told).toContain('s3');
    await becomes('s3 is connected', ({ servers }) =>
      servers.some(({ nodeid, state }) => nodeid === s3.id && state === 'connected'),
    );
  });

  it('goes on with the others when one dies, and says which cannot be heard', async () => {
    const before = await since('s1', 's2', 's3');
    await secondBus.process.kill();
    const now = await becomes('two is missed', ({ introducers: { connections } }) =>
      connections.some(({ name, connected }) => name === 'two' && !connected),
    );
    expect(now.introducers.connections).toMatchObject([
      { name: 'one', connected: true, last_error: null },
      { name: 'two', connected: false, last_error: expect.any(String), last_heard: expect.any(Number) },
    ]);
    const s3 = node('s3');
    const ofS3 = (await introduced(lab.bus, grid)).get(s3.id);
    if (!ofS3) throw new Error('s3 is not introduced');
    await announce(lab.bus, grid, await newer(s3.dir, ofS3, { nickname: 'heard' }));
    await becomes('one is heard', ({ servers }) => servers.some(({ nickname }) => nickname === 'heard'));
    expect(await since('s1', 's2', 's3')).toEqual(before);
  });

  it('connects after a restart to every server, as the newest announcement says, with no introducer left', async () => {
    await lab.stop('introducer');
    await lab.stop('nats');
    await lab.stop('broker1');
    await lab.start('broker1');
    await lab.waitForServers(3);
    const now = await status();
    expect(now.introducers.connections.map(({ connected }) => connected)).toEqual([false, false]);
    expect(now.servers.map(({ nickname }) => nickname).sort()).toEqual(['heard', 'renamed', 's1']);
    await lab.start('nats');
    await lab.start('introducer');
  });

  it('believes no older announcement after a restart either, wherever it is said again', async () => {
    const { id, dir } = node('s2');
    const known = (await status()).servers.find(({ nodeid }) => nodeid === id);
    const told = (await introduced(lab.bus, grid)).get(id);
    if (!told) throw new Error('s2 is not introduced');
    // What one tells is older than what two told before it died.
    const older = await newer(dir, told, { nickname: 'of old', seqnum: 1 });
    const saidAt = Date.now() / 1000;
    await tell(lab.bus, grid, older);
    const now = await becomes('it was heard', ({ introducers: { connections } }) =>
      connections.some(({ name, last_heard }) => name === 'one' && (last_heard ?? 0) > saidAt),
    );
    expect(now.servers.find(({ nodeid }) => nodeid === id)?.nickname).toBe(known?.nickname);
    expect(known?.nickname).not.toBe('of old');
  });

  it('does without any where the operator names none', async () => {
    const before = await since('s1', 's2', 's3');
    await edit('introducers: {}\n');
    const now = await becomes('there is none', ({ introducers }) => introducers.connections.length === 0);
    expect(now.servers).toHaveLength(3);
    expect(await since('s1', 's2', 's3')).toEqual(before);
    await edit('servers: {}\n');
    await becomes('the one of node.yaml is back', ({ introducers: { connections } }) =>
      connections.some(({ name, connected }) => name === 'default' && connected),
    );
  });
});

describe('a clause in connections.yaml', () => {
  it('moves one server to another address and back, and touches no other connection', async () => {
    const [others, one] = [await since('s2', 's3'), await server('s1')];
    // The same server by another name of this machine.
    const nurl = node('s1').nurl.replace('127.0.0.1', 'localhost');
    expect(parseNurl(nurl).host).toBe('localhost');
    await edit(
      `servers:\n  ${node('s1').id}:\n    server_options:\n      announcement: { anonymous-storage-NURLs: ["${nurl}"] }\n`,
    );
    const isDirect = ({ servers }: StatusJson) =>
      servers.some(
        ({ source, state, address }) =>
          source === 'connections.yaml' && state === 'connected' && /^localhost:/.test(address ?? ''),
      );
    const now = await becomes('s1 is reached directly', isDirect);
    expect(now.servers.find(({ nodeid }) => nodeid === node('s1').id)?.nickname).toBe('s1');
    expect(await since('s2', 's3')).toEqual(others);
    await edit('servers: {}\n');
    await becomes('s1 is where it announces itself', ({ servers }) =>
      servers.some(({ nodeid, state, address }) => {
        return nodeid === one?.nodeid && state === 'connected' && address === one?.address;
      }),
    );
    expect(await since('s2', 's3')).toEqual(others);
  });

  it('is refused with its line where it is wrong, and the last good one stays in force', async () => {
    const before = await since('s1', 's2', 's3');
    await edit('servers:\n  v0-nobody: {}\n');
    const { connections_refused } = await becomes(
      'the edit is refused',
      ({ connections_refused }) => connections_refused !== null,
    );
    expect(connections_refused).toMatchObject({ line: 2, reason: expect.stringContaining('v0-nobody') });
    expect(await since('s1', 's2', 's3')).toEqual(before);
    const log = await readFile(join(lab.dir, 'broker1', 'node.log'), 'utf8');
    expect(log.match(/connections\.yaml was changed and is wrong/g)).toHaveLength(1);
    await edit('servers: {}\n');
    await becomes('it is right again', ({ connections_refused }) => connections_refused === null);
  });
});
