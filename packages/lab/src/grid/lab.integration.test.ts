import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { describe, expect, it, vi } from 'vitest';
import { labStatus } from '../control/remote.js';
import { temporaryFolder } from '../files/temporary-folder.js';
import { isRunning } from '../processes/leftovers.js';
import { waitFor } from '../processes/until-ready.js';
import { startNats } from '../servers/nats.js';
import { testPostgresUrl } from '../testing/test-database.js';
import { connectedServers } from './broker-state.js';
import { Lab } from './lab.js';
import { readLabJson } from './lab-json.js';
import { makePlan, readPlan, writePlan } from './plan.js';
import { holdfastProgram } from './program.js';

const small = { storage: 2, shares: { required: 1, happy: 2, total: 2 } };

async function store(broker: string, text: string): Promise<string> {
  const response = await fetch(new URL('/uri', broker), { method: 'PUT', body: text });
  const answer = await response.text();
  expect(response.status, answer).toBeLessThan(300);
  return answer.trim();
}

async function read(broker: string, capability: string): Promise<string> {
  const response = await fetch(new URL(`/uri/${encodeURIComponent(capability)}`, broker));
  const answer = await response.text();
  expect(response.status, answer).toBe(200);
  return answer;
}

const longText = 'This is no secret, but it is longer than a capability can hold by itself. '.repeat(3);

describe('a lab', () => {
  it('stores a file, and gives it back while servers are stopped', async () => {
    await using lab = await Lab.up(small);
    const capability = await store(lab.broker, longText);
    await lab.stop('s1');
    expect((await readLabJson(lab.dir)).storage.map(({ pid }) => pid === null)).toEqual([true, false]);
    expect(await read(lab.broker, capability)).toBe(longText);
    await lab.start('s1');
    await lab.waitForServers(2);
  });

  it('runs beside another', async () => {
    const labs = await Promise.all([Lab.up(small), Lab.up(small)]);
    try {
      const [first, second] = labs;
      expect(first.broker).not.toBe(second.broker);
      expect(first.description.storage.map(({ id }) => id)).not.toEqual(
        second.description.storage.map(({ id }) => id),
      );
      expect(await Promise.all(labs.map((lab) => connectedServers(lab.broker)))).toEqual([2, 2]);
    } finally {
      await Promise.all(labs.map((lab) => lab[Symbol.asyncDispose]()));
    }
  });

  it('comes back with the same nodes and the same files, whoever ended it', async () => {
    await using folder = await temporaryFolder('lab');
    const dir = join(folder.path, 'lab');
    await using first = await Lab.up({ dir, ...small });
    const before = first.description;
    const capability = await store(first.broker, longText);
    await first.down();
    await expect(labStatus(dir)).rejects.toMatchObject({ code: 'not-running' });

    await using second = await Lab.up({ dir });
    const identities = ({ storage }: typeof before) => storage.map(({ id, nurl }) => ({ id, nurl }));
    expect(identities(second.description)).toEqual(identities(before));
    expect(second.description.introducer.id).toBe(before.introducer.id);
    expect(await read(second.broker, capability)).toBe(longText);
  });

  it('is refused under another size than it was made with, and while it runs', async () => {
    await using folder = await temporaryFolder('lab');
    const dir = join(folder.path, 'lab');
    await using _lab = await Lab.up({ dir, ...small });
    await expect(Lab.up({ dir, storage: 3 })).rejects.toMatchObject({ code: 'differs' });
    await expect(Lab.up({ dir })).rejects.toMatchObject({ code: 'running-already' });
    expect((await labStatus(dir)).state).toBe('running');
  });

  it('leaves a suspended lab as it is when another is to come up in its place and is ended first', async () => {
    await using folder = await temporaryFolder('lab');
    const dir = join(folder.path, 'lab');
    const args = ['lab', 'up', '--dir', dir, '--storage', '1', '--repairers', '0', '--shares', '1,1,1'];
    const suspended = spawn(process.execPath, [holdfastProgram, ...args], { stdio: 'ignore' });
    const ended = once(suspended, 'exit');
    try {
      const before = await waitFor('the lab is up', () => readLabJson(dir), { timeoutMs: 60_000 });
      suspended.kill('SIGSTOP');
      const ending = new AbortController();
      const second = Lab.up({ dir, signal: ending.signal }).catch((error: unknown) => error);
      await waitFor(
        'it asks the other',
        async () => (await readdir(dir)).some((name) => name.startsWith('.supervisor-')) || undefined,
      );
      ending.abort();
      expect(await second).toMatchObject({ code: 'ending' });
      suspended.kill('SIGCONT');
      expect((await labStatus(dir)).state).toBe('running');
      expect(await readLabJson(dir)).toEqual(before);
    } finally {
      suspended.kill('SIGCONT');
      suspended.kill('SIGTERM');
      await ended;
    }
  }, 120_000);

  it('leaves nothing open when it is ended before it has begun', async () => {
    await using folder = await temporaryFolder('lab');
    const dir = join(folder.path, 'lab');
    const ending = new AbortController();
    const up = Lab.up({ dir, signal: ending.signal });
    ending.abort();
    await expect(up).rejects.toMatchObject({ code: 'ending' });
    expect(await readdir(dir)).toEqual([]);
  });

  it('leaves no process when it is killed, and can be brought up again', async () => {
    await using folder = await temporaryFolder('lab');
    const dir = join(folder.path, 'lab');
    const args = ['lab', 'up', '--dir', dir, '--storage', '2', '--shares', '1,2,2'];
    const killed = spawn(process.execPath, [holdfastProgram, ...args], { stdio: 'ignore' });
    const { storage } = await waitFor('the lab is up', () => readLabJson(dir), { timeoutMs: 60_000 });
    const { processes } = await labStatus(dir);
    expect(processes.map(({ nickname }) => nickname)).toContain('postgres');
    expect(await runningOf(dir)).toBe(processes.length);

    killed.kill('SIGKILL');
    await expect.poll(() => runningOf(dir), { timeout: 15_000 }).toBe(0);

    await using again = await Lab.up({ dir });
    expect(again.description.storage.map(({ id }) => id)).toEqual(storage.map(({ id }) => id));
    await again.down();
    expect((await readdir(dir)).filter((name) => /^(lab|supervisor|processes)\.json$/.test(name))).toEqual(
      [],
    );

    async function runningOf(lab: string): Promise<number> {
      const running = await Promise.all(processes.map(({ pid }) => isRunning(pid ?? 0, lab)));
      return running.filter(Boolean).length;
    }
  }, 120_000);

  it('gives a node another port when another program has taken its own, and tells brokers and repairers', async () => {
    await using folder = await temporaryFolder('lab');
    const dir = join(folder.path, 'lab');
    await using first = await Lab.up({ dir, ...small, repairers: 1 });
    const before = first.description.storage[0]?.nurl ?? '';
    await first.stop('s1');
    await using _squatter = await takePort(portOf(before));
    await first.start('s1');
    await first.waitForServers(2);
    const after = first.description.storage[0]?.nurl ?? '';
    expect(after).not.toBe(before);
    await waitUntilRepairerReachesAll(dir);
    await first.down();

    // As after a start that ended between making a repairer and giving it the account.
    await rm(join(dir, 'repairer1', 'connections.yaml'));
    await using _other = await takePort(portOf(after));
    await using second = await Lab.up({ dir });
    expect(second.description.storage[0]?.nurl).not.toBe(after);
    await waitUntilRepairerReachesAll(dir);
  }, 120_000);

  it('gives its bus another port when another program has taken the planned one before the nodes were made', async () => {
    await using folder = await temporaryFolder('lab');
    const dir = join(folder.path, 'lab');
    await mkdir(dir);
    const plan = await makePlan(
      { storage: 1, shares: { required: 1, happy: 1, total: 1 } },
      { postgres: false, nats: false },
    );
    await writePlan(dir, plan);
    await using _squatter = await takePort(Number(plan.nats));
    await using lab = await Lab.up({ dir });
    expect(new URL(lab.bus.url).port).not.toBe(String(plan.nats));
    await lab.waitForServers(1);
  });

  it('uses the servers at DATABASE_URL and NATS_URL, and takes its databases away with it', async () => {
    await using folder = await temporaryFolder('nats');
    const configuration = join(folder.path, 'nats-server.conf');
    await writeFile(configuration, 'authorization { user: lab, password: "se/cret" }');
    await using nats = await startNats({ dir: folder.path, configuration });
    const natsUrl = `nats://lab:se%2Fcret@127.0.0.1:${nats.port}`;
    vi.stubEnv('DATABASE_URL', testPostgresUrl());
    vi.stubEnv('NATS_URL', natsUrl);
    try {
      await using lab = await Lab.up(small);
      const before = await labDatabases();
      expect(lab.description).toMatchObject({ postgres: testPostgresUrl(), nats: natsUrl });
      expect(lab.status().processes.map(({ nickname }) => nickname)).toEqual([
        'introducer',
        's1',
        's2',
        'broker1',
      ]);
      await lab[Symbol.asyncDispose]();
      // The introducer's, that of both storage servers, and the broker's.
      expect(before.length - (await labDatabases()).length).toBe(3);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

const portOf = (nurl: string) => Number(/:(\d+)\//.exec(nurl)?.[1]);

async function takePort(port: number): Promise<AsyncDisposable> {
  const squatter = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
  await once(squatter, 'listening');
  return { [Symbol.asyncDispose]: async () => void squatter.close() };
}

/** By the account that it was granted, at the address that it was told. */
async function waitUntilRepairerReachesAll(dir: string): Promise<void> {
  const plan = await readPlan(dir);
  const ports = plan?.nodes.flatMap(({ listenPort, role }) => (role === 'storage' ? [listenPort] : []));
  const granted = await readFile(join(dir, 'repairer1', 'connections.yaml'), 'utf8');
  for (const port of ports ?? []) expect(granted).toContain(`127.0.0.1:${port}/`);
  const operatorPort = plan?.nodes.find(({ role }) => role === 'repairer')?.operatorPort;
  await waitFor('the repairer is connected to every storage server', async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${operatorPort}/metrics`)).text();
    const count = /^holdfast_storage_servers{.*state="connected".*} (\d+)$/m.exec(metrics)?.[1];
    return Number(count) === ports?.length || undefined;
  });
}

async function labDatabases(): Promise<unknown[]> {
  const client = new Client({ connectionString: testPostgresUrl() });
  await client.connect();
  try {
    return (await client.query("select from pg_database where datname like 'holdfast_%'")).rows;
  } finally {
    await client.end();
  }
}
