import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { announcementSubjects } from '@holdfast/common/announcements';
import { Bus } from '@holdfast/common/bus';
import { openPool } from '@holdfast/common/database';
import { loadIdentity } from '@holdfast/common/identity';
import { silentLogger } from '@holdfast/common/logging';
import {
  connectedServers,
  createDatabase,
  databaseUrl,
  freePort,
  holdfastProgram,
  Lab,
  startGuarded,
  untilReady,
  waitFor,
} from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// Introducer and bus go away and come back, whole or emptied: no server is forgotten, no connection breaks.

const logger = silentLogger();

// A bus that was given by NATS_URL is not ours to stop.
const isGiven = process.env['NATS_URL'] !== undefined;
const describeWithOwnBus = describe.skipIf(isGiven);
const reason = isGiven
  ? ' (skipped: they would stop the bus, and NATS_URL names one that others may use)'
  : '';

let lab: Lab;
let grid: string;
beforeAll(async () => {
  lab = await Lab.up({ storage: 5, brokers: 2 });
  grid = JSON.parse(await readFile(join(lab.dir, 'plan.json'), 'utf8')).grid;
  // Until the second is started again, only the first one watches.
  await lab.stop('broker2');
});
afterAll(() => lab?.[Symbol.asyncDispose]());

interface Status {
  readonly introducers: { readonly connections: readonly { readonly connected: boolean }[] };
  readonly servers: readonly { readonly nodeid: string; readonly state: string; readonly since: number }[];
}

async function status(): Promise<Status> {
  return (await fetch(new URL('/?t=json', lab.broker))).json() as Promise<Status>;
}

/** Each storage server's connection: in what state, and since when. */
async function connections() {
  return (await status()).servers.map(({ nodeid, state, since }) => ({ nodeid, state, since }));
}

const hearsTheBus = (connected: boolean) =>
  waitFor(`the broker ${connected ? 'hears' : 'misses'} the bus`, async () => {
    const [introducer] = (await status()).introducers.connections;
    return introducer?.connected === connected || undefined;
  });

/** The ids of the servers that the introducer tells of. */
async function introduced(): Promise<string[]> {
  const bus = new Bus({ ...lab.bus, name: 'test', logger });
  try {
    return await waitFor('the introducer answers', async () => {
      const { announcements } = await bus.ask(announcementSubjects(grid).list, {});
      return announcements.map(({ key }) => key).sort();
    });
  } finally {
    await bus.close();
  }
}

const everyServer = () => lab.description.storage.map(({ id }) => id).sort();

/** Stops NATS, and starts it with an empty JetStream store. */
async function emptyNats(): Promise<void> {
  await lab.stop('nats');
  await rm(join(lab.dir, 'nats', 'jetstream'), { recursive: true, force: true });
  await lab.start('nats');
}

describeWithOwnBus(`no server is lost and no connection interrupted${reason}`, () => {
  const restarts: [string, () => Promise<void>][] = [
    [
      'the introducer is restarted',
      async () => {
        await lab.stop('introducer');
        await lab.start('introducer');
      },
    ],
    [
      'the introducer is killed',
      async () => {
        await lab.kill('introducer');
        await lab.start('introducer');
      },
    ],
    ['NATS is restarted with an empty store', emptyNats],
    [
      'both are restarted, NATS with an empty store',
      async () => {
        await lab.stop('introducer');
        await emptyNats();
        await lab.start('introducer');
      },
    ],
  ];

  it.each(restarts)('when %s', async (_what, restart) => {
    const before = await connections();
    expect(before.map(({ state }) => state)).toEqual(Array(5).fill('connected'));
    await restart();
    await hearsTheBus(true);
    expect(await introduced()).toEqual(everyServer());
    expect(await connections()).toEqual(before);
  });
});

describeWithOwnBus(`a broker${reason}`, () => {
  it('that starts after all of that learns every server from the introducer', async () => {
    await emptyCache('broker2');
    await lab.start('broker2');
    const [, second = ''] = lab.description.brokers;
    await lab.waitForServers(5, second);
    await lab.stop('broker2');
  });

  it('connects to every server from its own cache while introducer and NATS are away', async () => {
    await lab.stop('introducer');
    await lab.stop('nats');
    await hearsTheBus(false);
    expect(await connectedServers(lab.broker)).toBe(5);
    await lab.stop('broker1');
    await lab.start('broker1');
    await lab.waitForServers(5);
    expect((await connections()).map(({ nodeid }) => nodeid).sort()).toEqual(everyServer());
  });

  it('hears of a server that started while they were away as soon as they are back', async () => {
    // Introducer and NATS are away since the test before.
    await using late = await startStorageServer('s6');
    expect(await connectedServers(lab.broker)).toBe(5);
    const before = await connections();
    await lab.start('nats');
    await lab.start('introducer');
    await lab.waitForServers(6);
    expect(await introduced()).toContain(late.id);
    const after = await connections();
    expect(after.filter(({ nodeid }) => nodeid !== late.id)).toEqual(before);
  });
});

describeWithOwnBus(`the passwords of the bus${reason}`, () => {
  it('may all be changed: each node that runs uses its new one once it is in its folder', async () => {
    const passwords = join(lab.dir, 'nats', 'passwords.conf');
    const changed = (await readFile(passwords, 'utf8')).replace(/"(.*)"/g, '"new-$1"');
    const passwordOf = (user: string) => new RegExp(`^${user}_password: "(.*)"$`, 'm').exec(changed)?.[1];
    await lab.stop('nats');
    await writeFile(passwords, changed);
    await hearsTheBus(false);
    const before = await announcementsTaken();
    await lab.start('nats');
    const nodes = ['introducer', 'broker1', ...lab.description.storage.map(({ nickname }) => nickname)];
    for (const nickname of nodes) {
      const role = nickname.startsWith('s') ? 'storage' : nickname.replace(/\d$/, '');
      await writeFile(join(lab.dir, nickname, 'private', 'bus.password'), `${passwordOf(role)}\n`);
    }
    await hearsTheBus(true);
    // Each server announces itself again when it has the bus back.
    await waitFor(
      'the introducer hears of every server',
      async () => (await announcementsTaken()) >= before + 5 || undefined,
    );
    expect(await introduced()).toEqual(expect.arrayContaining(everyServer()));
  });
});

/** How many announcements the introducer has taken since it started, also such as it knew. */
async function announcementsTaken(): Promise<number> {
  const { url } = lab.status().processes.find(({ nickname }) => nickname === 'introducer') ?? {};
  const metrics = await (await fetch(`http://${url}/metrics`)).text();
  const counts = metrics.matchAll(
    /^holdfast_announcements_received_total\{result="(new|already known)".*\} (\d+)$/gm,
  );
  return [...counts].reduce((sum, [, , count]) => sum + Number(count), 0);
}

/** Makes a broker that is stopped forget all that it ever heard. */
async function emptyCache(nickname: string): Promise<void> {
  const settings = await readFile(join(lab.dir, nickname, 'node.yaml'), 'utf8');
  const name = /^postgres: .*\/(\w+)$/m.exec(settings)?.[1] ?? '';
  const url = databaseUrl(lab.description.postgres, name);
  const database = openPool({ url, applicationName: 'test', logger, connections: 1 });
  const { rowCount } = await database.pool.query('delete from membership.announcements');
  expect(rowCount).toBe(5);
  await database.close();
}

/** One more storage server of the lab's grid, made and run by the `holdfast` command. */
async function startStorageServer(nickname: string): Promise<{ id: string } & AsyncDisposable> {
  const database = await createDatabase(lab.description.postgres, 'test');
  const folder = join(lab.dir, 'more', nickname);
  await mkdir(join(lab.dir, 'more'), { recursive: true });
  const [listen, operator] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const log = join(lab.dir, 'more', `${nickname}.log`);
  const holdfast = (...args: string[]) =>
    startGuarded({
      name: nickname,
      command: process.execPath,
      args: [holdfastProgram, ...args],
      log,
      stopSignal: 'SIGTERM',
    });
  const made = await holdfast(
    ...['init', 'storage', folder, '--nickname', nickname, '--grid', grid],
    ...['--postgres', database.url, '--nats', lab.description.nats],
    ...(lab.description.natsCa === null ? [] : ['--nats-ca', lab.description.natsCa]),
    ...['--listen', listen, '--location', listen, '--operator', operator],
  );
  const { code } = await made.exited;
  if (code !== 0) throw new Error(await made.lastOutput());
  const running = await holdfast('run', folder);
  await untilReady(nickname, running, async () => {
    const answer = await fetch(`http://${operator}/readyz`);
    if (!answer.ok) throw new Error(await answer.text());
  });

  return {
    id: (await loadIdentity(folder)).serverId,
    [Symbol.asyncDispose]: async () => {
      await running.stop();
      await database[Symbol.asyncDispose]();
    },
  };
}
