import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, holdfastProgram, type TemporaryFolder, temporaryFolder, waitFor } from '@holdfast/lab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initialise } from './initialise.js';

let folder: TemporaryFolder;
let dir: string;
let operator: number;
let running: ChildProcess | undefined;

beforeEach(async () => {
  folder = await temporaryFolder('repairer');
  dir = join(folder.path, 'r1');
  operator = await freePort();
  // Neither a Postgres nor a bus is there.
  await initialise(dir, {
    nickname: 'r1',
    grid: 'lab',
    postgres: `postgres://user:hidden-password@127.0.0.1:${await freePort()}/r1`,
    bus: `nats://127.0.0.1:${await freePort()}`,
    operator: `127.0.0.1:${operator}`,
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

describe('a repairer whose configuration is wrong', () => {
  it.each([
    ['limit: {}', /node\.yaml:\d+: limit: unknown field/],
    ['quiet_hours: [{ from: "25:00", to: "08:00" }]', /quiet_hours\.0\.from: expected a time such as 22:30/],
    ['claim: 10ms', /claim: expected 1s or more/],
  ])('stops at once and says where: %s', async (line, expected) => {
    await appendFile(join(dir, 'node.yaml'), `${line}\n`);
    const { status, err } = await start().ended;
    expect(status).toBe(1);
    expect(err).toMatch(expected);
  });

  it('stops where its lease secret is missing', async () => {
    await rm(join(dir, 'private', 'secret'));
    const { status, err } = await start().ended;
    expect({ status, err }).toEqual({ status: 1, err: 'holdfast: private/secret cannot be read: ENOENT\n' });
  });
});

describe('a repairer without Postgres and bus', () => {
  it('lives, says what it waits for, and stops when told', async () => {
    const { child, ended } = start();
    const ready = await waitFor('the operator port answers', () =>
      fetch(`http://127.0.0.1:${operator}/readyz`),
    );
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ checks: { database: 'Postgres has not answered yet' } });
    expect((await fetch(`http://127.0.0.1:${operator}/healthz`)).status).toBe(200);
    child.kill('SIGTERM');
    const { status, out } = await ended;
    expect(status).toBe(0);
    expect(out).not.toContain('hidden-password');
  });
});
