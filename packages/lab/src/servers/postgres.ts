import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { temporaryFolder } from '../files/temporary-folder.js';
import { EarlyExitError, type GuardedProcess, startGuarded } from '../processes/guarded-process.js';
import { endLeftover } from '../processes/leftovers.js';
import { untilReady } from '../processes/until-ready.js';
import { freePort, saysPortTaken } from './free-port.js';
import { createCluster, superuser } from './postgres-cluster.js';
import { makePostgresHome, removePostgresHome } from './postgres-home.js';
import { unprivilegedUser } from './unprivileged-user.js';

export interface PostgresOptions {
  /** Where its data and log are; a temporary folder, removed at the end, where not given. */
  readonly dir?: string;
  /** The loopback port to take if it is free. */
  readonly port?: number;
  /** False where a crash of the machine may lose everything: quicker, and enough for a test. */
  readonly durable?: boolean;
}

/** A Postgres server on a loopback port. */
export interface RunningPostgres extends AsyncDisposable {
  /** Of its superuser and the database `postgres`, with the password. */
  readonly url: string;
  readonly port: number;
  readonly process: GuardedProcess;
}

/** Enough, with the pauses in between, for sessions to end that go on after their server was killed. */
const mostAttempts = 40;
/** Milliseconds. */
const betweenAttempts = 250;

const hasty = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];

/**
 * Starts a Postgres server, with a data folder made on first use, and waits until it answers.
 *
 * @throws ProgramMissingError where this machine has none, PostgresVersionError where it has none that reads the data
 * @throws EarlyExitError if it does not come up, with its own output
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<RunningPostgres> {
  const user = unprivilegedUser();
  const temporary = options.dir === undefined ? await temporaryFolder('postgres') : undefined;
  const folder = options.dir ?? join(temporary?.path ?? '', 'postgres');
  const clear = async () => {
    if (temporary === undefined) return;
    await removePostgresHome(folder);
    await temporary[Symbol.asyncDispose]();
  };
  try {
    const home = await makePostgresHome(folder, user);
    const { bin, data, password } = await createCluster(home, user);
    await endEarlierServer(data);
    const settings = [
      'max_connections=300',
      'unix_socket_directories=',
      ...(options.durable === false ? hasty : []),
    ];
    let port = options.port ?? (await freePort());
    for (let attempt = 1; ; attempt++) {
      const url = `postgres://${superuser}:${password}@127.0.0.1:${port}/postgres`;
      const started = await startGuarded({
        name: 'postgres',
        command: join(bin, 'postgres'),
        args: [
          '-D',
          data,
          '-h',
          '127.0.0.1',
          '-p',
          String(port),
          ...settings.flatMap((setting) => ['-c', setting]),
        ],
        log: join(home, 'postgres.log'),
        stopSignal: 'SIGINT', // "fast": ends sessions, then itself
        user,
      });
      try {
        await untilReady('postgres', started, () => answers(url));
      } catch (error) {
        await started.kill();
        if (!(error instanceof EarlyExitError) || attempt === mostAttempts) throw error;
        if (saysPortTaken(error.output)) port = await freePort();
        else if (saysDataInUse(error.output)) await sleep(betweenAttempts);
        else throw error;
        continue;
      }
      return {
        url,
        port,
        process: started,
        [Symbol.asyncDispose]: async () => {
          await started.stop();
          await clear();
        },
      };
    }
  } catch (error) {
    await clear();
    throw error;
  }
}

/** Whether a server's last words say that processes of the one before it still see its data. */
function saysDataInUse(output: string): boolean {
  return /pre-existing shared memory block/.test(output);
}

async function answers(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  try {
    await client.connect();
  } finally {
    await client.end().catch(() => {});
  }
}

/** Postgres notes its pid in its data folder; a server that nobody watches any more would keep the data to itself. */
async function endEarlierServer(data: string): Promise<void> {
  const note = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => undefined);
  if (note === undefined) return;
  await endLeftover(Number(note.split('\n')[0]), data);
  await rm(join(data, 'postmaster.pid'), { force: true });
}
