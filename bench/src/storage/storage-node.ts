import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Database, openPool } from '@holdfast/common/database';
import { silentLogger } from '@holdfast/common/logging';
import {
  createDatabase,
  freePort,
  type GuardedProcess,
  holdfastProgram,
  startGuarded,
  untilReady,
} from '@holdfast/lab';
import { initialise } from '@holdfast/storage';
import { parse, stringify } from 'yaml';

/** Where a node's folder, its log and its database are made. */
export interface NodePlace {
  /** A folder that is removed afterwards. */
  readonly folder: string;
  readonly name: string;
  /** Of Postgres' superuser. */
  readonly postgres: string;
  /** The share folder. */
  readonly shares: string;
}

/** A storage server as an operator runs it: a process of its own, with a database of its own. */
export class StorageNode implements AsyncDisposable {
  #process: GuardedProcess | undefined;

  private constructor(
    readonly dir: string,
    readonly database: Database,
    readonly origin: string,
    readonly credential: string,
    private readonly operator: string,
  ) {}

  static async make({ folder, name, postgres, shares }: NodePlace): Promise<StorageNode> {
    const dir = join(folder, name);
    const { url } = await createDatabase(postgres, name);
    const [port, operatorPort] = [await freePort(), await freePort()];
    await initialise(dir, {
      nickname: name,
      grid: 'bench',
      postgres: url,
      // Nobody listens there: a storage server serves without a bus.
      bus: 'nats://127.0.0.1:9',
      operator: `127.0.0.1:${operatorPort}`,
      listen: `127.0.0.1:${port}`,
      locations: [`127.0.0.1:${port}`],
    });
    const yaml = join(dir, 'node.yaml');
    const fields = { ...parse(await readFile(yaml, 'utf8')), shares: { path: shares, reserved_space: 0 } };
    await writeFile(yaml, stringify(fields));
    const credential = (await readFile(join(dir, 'private/anonymous-credential'), 'utf8')).trim();
    const database = openPool({ url, applicationName: 'bench', logger: silentLogger(), connections: 4 });
    return new StorageNode(
      dir,
      database,
      `https://127.0.0.1:${port}`,
      credential,
      `http://127.0.0.1:${operatorPort}`,
    );
  }

  /** Starts it, and waits until it has looked through its shares, which would disturb a measurement. */
  async start(): Promise<void> {
    this.#process = await startGuarded({
      name: 'storage',
      command: process.execPath,
      args: [...profiling(this.dir), holdfastProgram, 'run', this.dir],
      log: `${this.dir}.log`,
      stopSignal: 'SIGTERM',
    });
    await untilReady(
      'the storage server',
      this.#process,
      async () => {
        const metrics = await (await fetch(`${this.operator}/metrics`)).text();
        if (!/holdfast_storage_walk_shares\{/.test(metrics)) throw new Error('it looks through its shares');
      },
      300_000,
    );
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#process = undefined;
  }

  /** Runs a `holdfast` command on it to its end; gives what it said. */
  async command(...args: string[]): Promise<string> {
    const whole = [holdfastProgram, ...args, '--dir', this.dir];
    return (await promisify(execFile)(process.execPath, whole, { maxBuffer: 1e9 })).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.database.close();
  }
}

/** With `HOLDFAST_BENCH_PROFILE` a folder, the server writes there where its processor time went. */
function profiling(dir: string): string[] {
  const folder = process.env['HOLDFAST_BENCH_PROFILE'];
  return folder ? ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--title=${dir}`] : [];
}
