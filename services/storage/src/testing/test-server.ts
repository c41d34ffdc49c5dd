import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readYamlConfiguration } from '@holdfast/common/configuration';
import {
  createTestDatabase,
  freePort,
  type GuardedProcess,
  holdfastProgram,
  startGuarded,
  temporaryFolder,
  untilReady,
} from '@holdfast/lab';
import pg from 'pg';
import * as z from 'zod';
import { initialise } from '../initialise.js';
import { TestClient } from './test-client.js';

/** A real storage server: a process of its own, with its own folder and database. */
export interface TestServer extends AsyncDisposable {
  readonly dir: string;
  readonly shares: string;
  readonly client: TestClient;
  readonly operator: string;
  readonly databaseUrl: string;
  readonly log: string;
  readonly pid: () => number;
  /** Rows of a query in its database. */
  sql<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  /** SIGTERM; the exit status. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Replaces settings of node.yaml, for the next start. */
  change(settings: Readonly<Record<string, unknown>>): Promise<void>;
}

/** Where a test server differs from a new one. */
export interface TestServerOptions {
  /** Settings of node.yaml that replace those that init wrote. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly postgres?: string;
  readonly bus?: string;
  /** False where it is not to be waited for. */
  readonly awaitReady?: boolean;
}

/** Makes a node folder by `initialise`, and runs it. All is gone when it is disposed. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const folder = await temporaryFolder('storage');
  const database = options.postgres === undefined ? await createTestDatabase() : undefined;
  const databaseUrl = options.postgres ?? database?.url ?? '';
  const dir = join(folder.path, 'node');
  const [port, operatorPort] = [await freePort(), await freePort()];
  await initialise(dir, {
    nickname: 's1',
    grid: 'test',
    postgres: databaseUrl,
    // Nobody listens there: a storage server serves without a bus.
    bus: options.bus ?? 'nats://127.0.0.1:9',
    operator: `127.0.0.1:${operatorPort}`,
    listen: `127.0.0.1:${port}`,
    locations: [`127.0.0.1:${port}`],
  });
  await changeYaml(join(dir, 'node.yaml'), {
    shares: { path: 'shares', reserved_space: 0 },
    ...options.settings,
  });
  const credential = (await readFile(join(dir, 'private/anonymous-credential'), 'utf8')).trim();
  const client = new TestClient(`https://127.0.0.1:${port}`, credential);
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  pool.on('error', () => undefined);
  const operator = `http://127.0.0.1:${operatorPort}`;
  const log = join(folder.path, 'log');
  let running: GuardedProcess | undefined;

  const server: TestServer = {
    dir,
    shares: join(dir, 'shares'),
    client,
    operator,
    databaseUrl,
    log,
    pid: () => running?.pid ?? 0,
    sql: async (text, values) => (await pool.query(text, values)).rows,
    stop: async () => (await running?.stop())?.code ?? null,
    kill: async () => {
      await running?.kill();
    },
    start: async () => {
      running = await runNode(dir, log);
      if (options.awaitReady === false) return;
      await untilReady('storage server', running, async () => {
        const answer = await fetch(`${operator}/readyz`);
        if (!answer.ok) throw new Error(await answer.text());
      });
    },
    change: (settings) => changeYaml(join(dir, 'node.yaml'), settings),
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      await running?.kill();
      await pool.end();
      await database?.[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
  try {
    await server.start();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

/** Runs a node folder in a process that does not outlive this one. */
export function runNode(dir: string, log: string): Promise<GuardedProcess> {
  return startGuarded({
    name: 'storage',
    command: process.execPath,
    args: [holdfastProgram, 'run', dir],
    log,
    stopSignal: 'SIGTERM',
  });
}

/** Replaces fields of a node.yaml. JSON is YAML. */
export async function changeYaml(path: string, fields: Readonly<Record<string, unknown>>): Promise<void> {
  const before = await readYamlConfiguration(path, z.record(z.string(), z.unknown()));
  await writeFile(path, JSON.stringify({ ...before, ...fields }, undefined, 2));
}
