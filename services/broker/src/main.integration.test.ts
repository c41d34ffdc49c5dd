import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createTestDatabase,
  freePort,
  holdfastProgram,
  startNats,
  type TemporaryFolder,
  temporaryFolder,
  waitFor,
} from '@holdfast/lab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initialise } from './initialise.js';

let folder: TemporaryFolder;
let dir: string;
let operator: number;
let running: ChildProcess | undefined;

beforeEach(async () => {
  folder = await temporaryFolder('broker');
  dir = join(folder.path, 'b1');
  operator = await freePort();
  // Neither a Postgres nor a bus is there.
  await initialise(dir, {
    nickname: 'b1',
    grid: 'lab',
    postgres: `postgres://user:hidden-password@127.0.0.1:${await freePort()}/b1`,
    bus: `nats://127.0.0.1:${await freePort()}`,
    operator: `127.0.0.1:${operator}`,
    listen: `127.0.0.1:${await freePort()}`,
  });
});
afterEach(async () => {
  running?.kill('SIGKILL');
  running = undefined;
  await folder[Symbol.asyncDispose]();
});

function start() {
  const child = spawn(process.execPath, [holdfastProgram, 'run', dir], { stdio: ['ignore', 'pipe', 'pipe'] });
  running = child;
  let [out, err] = ['', ''];
  child.stdout.on('data', (data) => {
    out += data;
  });
  child.stderr.on('data', (data) => {
    err += data;
  });
  const ended = once(child, 'close').then(([status]) => ({ status, out, err }));
  return { child, ended };
}

describe('a broker whose configuration is wrong', () => {
  it('stops at once and says where', async () => {
    await appendFile(join(dir, 'node.yaml'), 'nicknam: b2\n');
    const { status, err } = await start().ended;
    expect(status).toBe(1);
    expect(err).toMatch(/^holdfast: \S*node\.yaml:\d+: nicknam: unknown field\n$/);
  });

  it('stops for connections.yaml, too', async () => {
    await writeFile(join(dir, 'connections.yaml'), 'connection_types:\n  tcp: { handler: carrier-pigeon }\n');
    const { status, err } = await start().ended;
    expect(status).toBe(1);
    expect(err).toContain(
      'connections.yaml:2: connection_types.tcp.handler: expected a handler: tcp, socks5',
    );
  });

  it('stops where a secret is missing, and names the file', async () => {
    await writeFile(join(dir, 'private', 'convergence'), 'not base32!\n');
    const { status, err } = await start().ended;
    expect({ status, err }).toEqual({
      status: 1,
      err: 'holdfast: private/convergence: expected a secret in base32\n',
    });
  });
});

describe('a broker without Postgres and bus', () => {
  it('lives, says what it waits for, and stops when told', async () => {
    const { child, ended } = start();
    const ready = await waitFor('the operator port answers', () =>
      fetch(`http://127.0.0.1:${operator}/readyz`),
    );
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ checks: { database: 'waiting for Postgres' } });
    expect((await fetch(`http://127.0.0.1:${operator}/healthz`)).status).toBe(200);
    child.kill('SIGTERM');
    const { status, out } = await ended;
    expect(status).toBe(0);
    expect(out).not.toContain('hidden-password');
  });
});

describe('a broker with introducers', () => {
  it('shows none of them its nickname, which another may know', async () => {
    await using database = await createTestDatabase();
    const watched = await freePort();
    const configuration = join(folder.path, 'nats.conf');
    await writeFile(configuration, `http: "127.0.0.1:${watched}"\n`);
    await using nats = await startNats({ configuration });
    dir = join(folder.path, 'hidden');
    await initialise(dir, {
      nickname: 'conspicuous',
      grid: 'lab',
      postgres: database.url,
      bus: nats.url,
      operator: `127.0.0.1:${operator}`,
      listen: `127.0.0.1:${await freePort()}`,
    });
    const { child, ended } = start();
    const shown = await waitFor('its connection to the bus', async () => {
      const answer = await fetch(`http://127.0.0.1:${watched}/connz`);
      const { connections } = (await answer.json()) as { connections: { lang?: string }[] };
      return connections.find(({ lang }) => lang !== undefined);
    });
    expect(shown).toMatchObject({ name: 'broker' });
    expect(JSON.stringify(shown)).not.toContain('conspicuous');
    child.kill('SIGTERM');
    expect((await ended).status).toBe(0);
  });
});

describe('the folder of a new broker', () => {
  it('keeps the password out of node.yaml', async () => {
    expect(await readFile(join(dir, 'node.yaml'), 'utf8')).not.toContain('hidden-password');
    expect(await readFile(join(dir, 'private', 'postgres.password'), 'utf8')).toBe('hidden-password\n');
  });

  it('is never made where there is one', async () => {
    const before = await readFile(join(dir, 'private', 'secret'), 'utf8');
    const options = { nickname: 'b2', grid: 'lab', postgres: '', bus: '', operator: '', listen: '' };
    await expect(initialise(dir, options)).rejects.toMatchObject({ code: 'node-folder-exists' });
    expect(await readFile(join(dir, 'private', 'secret'), 'utf8')).toBe(before);
  });
});
