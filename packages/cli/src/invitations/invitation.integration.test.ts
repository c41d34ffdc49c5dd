import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bus } from '@holdfast/common/bus';
import { busAccess } from '@holdfast/common/configuration';
import { silentLogger } from '@holdfast/common/logging';
import {
  createTestDatabase,
  freePort,
  holdfastProgram,
  Lab,
  startGuarded,
  type TemporaryFolder,
  temporaryFolder,
  untilReady,
  waitFor,
  waitForServers,
} from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { holdfast } from '../testing/run-holdfast.js';
import { InvitationCode } from './code.js';

describe('an invitation', () => {
  let lab: Lab;
  let folder: TemporaryFolder;
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  const invited: ChildProcess[] = [];
  beforeAll(async () => {
    lab = await Lab.up({ storage: 2, repairers: 1, shares: { required: 1, happy: 2, total: 2 } });
    folder = await temporaryFolder('invited');
    database = await createTestDatabase();
  });
  afterAll(async () => {
    for (const child of invited) child.kill('SIGKILL');
    await lab?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  /** Runs `holdfast invite` until it has printed a code. */
  async function invite(...args: string[]) {
    const child = spawn(process.execPath, [holdfastProgram, 'invite', ...args]);
    invited.push(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    const ended = new Promise<{ status: number | null; output: string }>((resolve) => {
      child.once('close', (status) => resolve({ status, output }));
    });
    const code = await waitFor('a code', async () => /^holdfast join (\S+) DIR$/m.exec(output)?.[1]);
    return { code, ended };
  }

  const places = async () => ({
    listen: `127.0.0.1:${await freePort()}`,
    operator: `127.0.0.1:${await freePort()}`,
  });

  async function run(dir: string, operator: string) {
    const running = await startGuarded({
      name: dir,
      command: process.execPath,
      args: [holdfastProgram, 'run', dir],
      log: join(folder.path, 'node.log'),
      stopSignal: 'SIGTERM',
    });
    await untilReady(dir, running, async () => {
      const answer = await fetch(`http://${operator}/readyz`);
      if (!answer.ok) throw new Error(await answer.text());
    });
    return { [Symbol.asyncDispose]: async () => void (await running.stop()) };
  }

  it('makes a storage server that every broker hears of, and is good once', async () => {
    const { code, ended } = await invite('--dir', join(lab.dir, 's1'));
    const dir = join(folder.path, 'new');
    const { listen, operator } = await places();
    const joined = await holdfast([
      ...['join', code, dir, '--postgres', database.url],
      ...['--listen', listen, '--operator', operator],
    ]);
    expect(joined).toEqual({
      status: 0,
      stdout: `Made the storage new in ${dir}: bin/holdfast run ${dir}\n`,
      stderr: '',
    });
    expect(await ended).toMatchObject({ status: 0, output: expect.stringContaining('new has joined.') });
    expect(await readFile(join(dir, 'node.yaml'), 'utf8')).not.toContain(
      (await readFile(join(lab.dir, 's1', 'private', 'bus.password'), 'utf8')).trim(),
    );
    {
      await using _running = await run(dir, operator);
      await lab.waitForServers(3);
    }
    const again = await holdfast(['join', code, join(folder.path, 'again')]);
    expect(again).toMatchObject({ status: 1, stdout: '' });
    expect(again.stderr).toContain('nobody waits for this code');
  }, 120_000);

  it('makes a repairer that knows every storage server, and works on the Postgres that it is given', async () => {
    const { code, ended } = await invite('--dir', join(lab.dir, 'repairer1'));
    const dir = join(folder.path, 'repairing');
    const { operator } = await places();
    const joined = await holdfast([
      ...['join', code, dir, '--postgres', database.url, '--operator', operator],
    ]);
    expect(joined).toMatchObject({ status: 0, stderr: '' });
    expect(await ended).toMatchObject({
      status: 0,
      output: expect.stringContaining('repairing has joined.'),
    });
    await using _running = await run(dir, operator);
    const connected = await waitFor('it is connected to both', async () => {
      const metrics = await (await fetch(`http://${operator}/metrics`)).text();
      const count = /^holdfast_storage_servers\{.*state="connected".*\} (\d+)$/m.exec(metrics)?.[1];
      return count === '2' ? count : undefined;
    });
    expect(connected).toBe('2');
  });

  it('shows nothing of itself to others on the bus, and takes no question of theirs', async () => {
    const { code: text, ended } = await invite('--dir', join(lab.dir, 'broker1'), '--expires', '5m');
    const { bus: url } = await readBus('s2');
    const listener = new Bus({ ...url, name: 'listener', logger: silentLogger() });
    const stranger = new Bus({
      ...lab.bus,
      url: `${InvitationCode.parse(text).bus.replace('//', '//invitee:invitee@')}`,
      name: 'stranger',
      logger: silentLogger(),
    });
    try {
      const heard: unknown[] = [];
      const code = InvitationCode.parse(text);
      const name = `holdfast.invitation.${code.meetingPlace}`;
      listener.subscribe({ name, schema: z.unknown() }, (value) => void heard.push(value));
      await waitFor('both are on the bus', () => (listener.connected && stranger.connected) || undefined);
      const question = { name, schema: z.unknown(), answer: z.unknown() };
      for (const sealed of [
        '',
        'AAAA',
        InvitationCode.create(code.bus).seal('request', { nickname: 'x', nonce: 'y' }),
      ])
        expect(await stranger.ask(question, { sealed })).toEqual({
          refused: 'this is not sealed by the code of the invitation',
        });
      const dir = join(folder.path, 'broker');
      const joined = await holdfast(['join', text, dir, '--postgres', database.url]);
      expect(joined).toMatchObject({ status: 0, stderr: '' });
      expect(await ended).toMatchObject({ status: 0 });
      expect(heard.at(-1)).toEqual({ sealed: expect.stringMatching(/^[A-Za-z0-9+/=]+$/) });
      expect(await readFile(join(dir, 'node.yaml'), 'utf8')).toContain('happy: 2');
      for (const file of ['bus.password', 'bus-ca.pem'])
        expect(await readFile(join(dir, 'private', file), 'utf8')).toBe(
          await readFile(join(lab.dir, 'broker1', 'private', file), 'utf8'),
        );
    } finally {
      await Promise.all([listener.close(), stranger.close()]);
    }
  });

  it('is shown as JSON to programs, by both sides', async () => {
    const child = spawn(process.execPath, [
      holdfastProgram,
      'invite',
      '--dir',
      join(lab.dir, 's1'),
      '--json',
    ]);
    invited.push(child);
    const closed = new Promise((resolve) => child.once('close', resolve));
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    const { code } = await waitFor('a code', () => (output.includes('\n') ? JSON.parse(output) : undefined));
    const dir = join(folder.path, 'shown');
    const joined = await holdfast(['join', code, dir, '--postgres', database.url, '--json']);
    expect({ ...joined, stdout: JSON.parse(joined.stdout) }).toEqual({
      status: 0,
      stdout: { role: 'storage', nickname: 'shown', dir },
      stderr: '',
    });
    expect(await closed).toBe(0);
    expect(
      output
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([{ code }, { joined: 'shown' }]);
    const file = join(folder.path, 'shown.invitation');
    const written = await holdfast(['invite', '--dir', join(lab.dir, 's1'), '--file', file, '--json']);
    expect(JSON.parse(written.stdout)).toEqual({ file, expires: expect.stringMatching(/^\d{4}-.*Z$/) });
  });

  it('ends when nobody uses it in time', async () => {
    const { code, ended } = await invite('--dir', join(lab.dir, 's1'), '--expires', '1s');
    expect(await ended).toMatchObject({
      status: 1,
      output: expect.stringContaining('nobody used the code in time'),
    });
    expect(code).not.toBe('');
  });

  it('is not used up by a folder that is there already', async () => {
    const { code, ended } = await invite('--dir', join(lab.dir, 's1'), '--expires', '5m');
    const there = await holdfast(['join', code, folder.path]);
    expect(there).toMatchObject({ status: 1, stderr: expect.stringContaining('exists already') });
    const joined = await holdfast(['join', code, join(folder.path, 'second'), '--postgres', database.url]);
    expect(joined.status).toBe(0);
    expect((await ended).status).toBe(0);
  });

  it('in a file makes a customer’s broker, which stores by its account and needs no bus', async () => {
    expect((await holdfast(['account', 'create', 'alice', '--dir', lab.dir])).status).toBe(0);
    const file = join(folder.path, 'alice.invitation');
    const made = await holdfast(['invite', '--dir', lab.dir, '--account', 'alice', '--file', file]);
    expect(made).toMatchObject({ status: 0, stderr: '' });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const dir = join(folder.path, 'alice');
    const { listen, operator } = await places();
    const joined = await holdfast([
      ...['join', file, dir, '--postgres', database.url, '--shares', '1,2,2'],
      ...['--listen', listen, '--operator', operator],
    ]);
    expect(joined).toMatchObject({ status: 0, stderr: '' });
    expect((await stat(join(dir, 'connections.yaml'))).mode & 0o777).toBe(0o600);
    await using _running = await run(dir, operator);
    await waitForServers(`http://${listen}`, 2);
    const content = randomBytes(5_000);
    const stored = await fetch(`http://${listen}/uri`, { method: 'PUT', body: content });
    expect(stored.status).toBe(200);
    const account = await holdfast(['account', 'show', 'alice', '--dir', lab.dir, '--json']);
    expect(JSON.parse(account.stdout)).toMatchObject({ shares: 2 });
  });

  it('in a file is refused when its time is over', async () => {
    const file = join(folder.path, 'old.invitation');
    await holdfast(['invite', '--dir', join(lab.dir, 's1'), '--file', file]);
    const invitation = JSON.parse(await readFile(file, 'utf8')) as { expires: string };
    await writeFile(file, JSON.stringify({ ...invitation, expires: '2020-01-01T00:00:00Z' }));
    const late = await holdfast(['join', file, join(folder.path, 'late')]);
    expect(late).toMatchObject({ status: 1, stderr: expect.stringContaining('it ended at 2020') });
  });

  /** The bus as a node of the lab reaches it. */
  async function readBus(nickname: string) {
    const dir = join(lab.dir, nickname);
    const bus = /^bus: (\S+)$/m.exec(await readFile(join(dir, 'node.yaml'), 'utf8'))?.[1] ?? '';
    return { bus: await busAccess(dir, 'bus', bus) };
  }
});
