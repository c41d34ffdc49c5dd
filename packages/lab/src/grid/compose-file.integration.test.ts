import { constants } from 'node:fs';
import { access, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { type TemporaryFolder, temporaryFolder } from '../files/temporary-folder.js';
import { type GuardedProcess, startGuarded } from '../processes/guarded-process.js';
import { untilReady, waitFor } from '../processes/until-ready.js';
import type { Database } from '../servers/databases.js';
import { freePort } from '../servers/free-port.js';
import { type RunningNats, startNats } from '../servers/nats.js';
import { createTestDatabase } from '../testing/test-database.js';
import { waitForServers } from './broker-state.js';
import { holdfastProgram } from './program.js';

const checkout = fileURLToPath(new URL('../../../../', import.meta.url));
const inImage = '/holdfast/';
const busPassword = 'se/cret:@ with what a URL has no place for';

const service = z.looseObject({
  image: z.string(),
  command: z.array(z.string()).default([]),
  entrypoint: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  depends_on: z.record(z.string(), z.unknown()).default({}),
  volumes: z.array(z.string()).default([]),
});
const composeFile = z.looseObject({
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.unknown()),
});

type Service = z.infer<typeof service>;

/** Hosts that a service's command and environment name. */
function hostsOf({ command, environment }: Service): string[] {
  const texts = [...command, ...Object.values(environment)];
  return texts.flatMap((text) =>
    [...text.matchAll(/(?:^|@|\/\/)([a-z][a-z0-9]*):\d+/g)].map(([, host = '']) => host),
  );
}

describe('the compose file', () => {
  let services: Record<string, Service>;
  let volumes: string[];
  let dockerfile: string;
  let folder: TemporaryFolder;
  let database: Database;
  let nats: RunningNats;
  const running: GuardedProcess[] = [];

  beforeAll(async () => {
    const text = await readFile(join(checkout, 'docker-compose.yml'), 'utf8');
    const file = composeFile.parse(parse(text, { merge: true }));
    services = file.services;
    volumes = Object.keys(file.volumes);
    dockerfile = await readFile(join(checkout, 'deploy/compose/Dockerfile'), 'utf8');
    folder = await temporaryFolder('compose');
    database = await createTestDatabase();
    const configuration = join(folder.path, 'nats-server.conf');
    await writeFile(
      configuration,
      `authorization { user: all, password: "${busPassword}" }\njetstream { store_dir: "${folder.path}/jetstream" }`,
    );
    nats = await startNats({ dir: folder.path, configuration });
    // Stands before the command itself, and notes with what arguments it is called.
    await mkdir(join(folder.path, 'bin'));
    await writeFile(
      join(folder.path, 'bin', 'holdfast'),
      `#!/bin/sh\necho "$*" >>'${folder.path}/commands'\nexec '${holdfastProgram}' "$@"\n`,
      { mode: 0o755 },
    );
  });
  afterAll(async () => {
    await Promise.all(running.map((each) => each.stop()));
    await nats?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const ours = () => Object.entries(services).filter(([, { image }]) => image === 'holdfast');

  /** What a container of a service runs, as a file of this checkout. */
  function programOf({ entrypoint }: Service): string {
    const [program = ''] = entrypoint ?? JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '[]');
    expect(program.startsWith(inImage)).toBe(true);
    return join(checkout, program.slice(inImage.length));
  }

  /** Runs what a container would, with folders and ports of this machine in place of its own. */
  async function run(name: string, container: string, ports: { operator: number; listen?: number }) {
    const { command, environment, volumes: mounted, ...rest } = services[name] as Service;
    const folderOf = (place: string) => {
      const volume = mounted.find((mount) => mount.split(':')[1] === place)?.split(':')[0] ?? container;
      return join(folder.path, volume);
    };
    return startGuarded({
      name: container,
      command: programOf({ command, environment, volumes: mounted, ...rest }),
      args: command.map((arg) => arg.replace(/^[a-z0-9.]+:\d+$/, `127.0.0.1:${ports.listen}`)),
      cwd: checkout,
      log: join(folder.path, `${container}.log`),
      stopSignal: 'SIGTERM',
      env: {
        ...process.env,
        PATH: `${join(folder.path, 'bin')}:${process.env['PATH']}`,
        HOLDFAST_NICKNAME: container,
        ...environment,
        HOLDFAST_POSTGRES: database.url,
        HOLDFAST_NATS: `nats://all:${encodeURIComponent(busPassword)}@127.0.0.1:${nats.port}`,
        HOLDFAST_NODE: folderOf('/node'),
        HOLDFAST_GRANT: folderOf('/grant'),
        HOLDFAST_OPERATOR: `127.0.0.1:${ports.operator}`,
      },
    });
  }

  async function start(name: string, container = name, listen?: number): Promise<void> {
    const operator = await freePort();
    const started = await run(name, container, { operator, ...(listen === undefined ? {} : { listen }) });
    running.push(started);
    await untilReady(container, started, async () => {
      const answer = await fetch(`http://127.0.0.1:${operator}/readyz`);
      if (!answer.ok) throw new Error(await answer.text());
    });
  }

  it('names services, volumes and programs that are there', async () => {
    expect(ours().length).toBeGreaterThan(8);
    for (const [name, each] of Object.entries(services)) {
      for (const host of [...hostsOf(each), ...Object.keys(each.depends_on)])
        expect(Object.keys(services), name).toContain(host);
      for (const mount of each.volumes) expect(volumes, name).toContain(mount.split(':')[0]);
    }
    for (const [, each] of ours()) await access(programOf(each), constants.X_OK);
    // What can be scaled has no name, port or folder of its own.
    expect(services['repairer']).not.toHaveProperty('container_name');
    expect(services['repairer']).not.toHaveProperty('ports');
    expect(services['repairer']?.volumes).toEqual(['repairers:/grant:ro']);
  });

  it('makes a grid that stores a file, with as many repairers as are wanted, by what its containers run', async () => {
    const storage = ours().filter(([, { command }]) => command[0] === 'storage');
    await start('introducer');
    await Promise.all(storage.map(async ([name]) => start(name, name, await freePort())));
    const web = await freePort();
    await start('broker', 'broker', web);
    const broker = `http://127.0.0.1:${web}`;
    await waitForServers(broker, storage.length);

    for (const turn of ['first', 'again, which changes nothing']) {
      const granting = await run('repairers-account', `grant ${turn}`, { operator: 0 });
      const { code } = await granting.exited;
      expect(code, await granting.lastOutput()).toBe(0);
    }
    await Promise.all(['one', 'two', 'three'].map((container) => start('repairer', container)));

    const stored = await fetch(`${broker}/uri`, { method: 'PUT', body: 'a file in containers'.repeat(100) });
    const capability = await stored.text();
    expect({ status: stored.status, capability }).toMatchObject({ status: 200 });
    const queued = await fetch(
      `${broker}/uri/${encodeURIComponent(capability)}?t=check&repair=true&queue=true`,
      {
        method: 'POST',
      },
    );
    expect(queued.status).toBe(202);
    await waitFor('the file was looked after', async () => {
      const { recent } = (await (await fetch(`${broker}/repairs?t=json`)).json()) as {
        recent: { result: string }[];
      };
      return recent.some(({ result }) => result === 'healthy') || undefined;
    });
    const read = await fetch(`${broker}/uri/${encodeURIComponent(capability)}`);
    expect(await read.text()).toBe('a file in containers'.repeat(100));
  }, 240_000);

  it('shows no password on a command line, and keeps them for the owner of the node alone', async () => {
    const postgresPassword = decodeURIComponent(new URL(database.url).password);
    const commands = await readFile(join(folder.path, 'commands'), 'utf8');
    expect(commands).toContain('init introducer');
    for (const password of [postgresPassword, busPassword].filter((one) => one !== '')) {
      expect(commands).not.toContain(password);
      expect(commands).not.toContain(encodeURIComponent(password));
    }
    const file = join(folder.path, 'introducer', 'introducer', 'private', 'bus.password');
    expect(await readFile(file, 'utf8')).toBe(`${busPassword}\n`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });
});
