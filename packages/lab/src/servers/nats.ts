import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '../files/temporary-folder.js';
import { EarlyExitError, type GuardedProcess, startGuarded } from '../processes/guarded-process.js';
import { untilReady } from '../processes/until-ready.js';
import { findNatsServer } from './find-programs.mjs';
import { freePort, saysPortTaken } from './free-port.js';
import { ProgramMissingError } from './program-missing.js';

export interface NatsOptions {
  /** Where its JetStream store and log are; a temporary folder, removed at the end, where not given. */
  readonly dir?: string;
  /** The loopback port to take if it is free. */
  readonly port?: number;
  /** A configuration file, which says all but the address. */
  readonly configuration?: string;
  /** Without a configuration file: whether it has JetStream. It does where not given. */
  readonly jetstream?: boolean;
}

/** A nats-server on a loopback port. */
export interface RunningNats extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly process: GuardedProcess;
}

/**
 * Starts a nats-server and waits until it answers.
 *
 * @throws ProgramMissingError where this machine has none
 * @throws EarlyExitError if it does not come up, with its own output
 */
export async function startNats(options: NatsOptions = {}): Promise<RunningNats> {
  const program = findNatsServer();
  if (program === undefined) throw new ProgramMissingError('nats-server', 'NATS_URL');
  const temporary = options.dir === undefined ? await temporaryFolder('nats') : undefined;
  const dir = options.dir ?? temporary?.path ?? '';
  await mkdir(dir, { recursive: true });
  const withJetStream =
    options.jetstream === false ? [] : ['--jetstream', '--store_dir', join(dir, 'jetstream')];
  const settings = options.configuration === undefined ? withJetStream : ['--config', options.configuration];
  for (let attempt = 1; ; attempt++) {
    const port = attempt === 1 && options.port !== undefined ? options.port : await freePort();
    const started = await startGuarded({
      name: 'nats-server',
      command: program,
      args: ['--addr', '127.0.0.1', '--port', String(port), ...settings],
      log: join(dir, 'nats.log'),
      stopSignal: 'SIGINT',
    });
    try {
      await untilReady('nats-server', started, () => greets(port));
    } catch (error) {
      await started.kill();
      if (error instanceof EarlyExitError && saysPortTaken(error.output) && attempt < 5) continue;
      await temporary?.[Symbol.asyncDispose]();
      throw error;
    }
    return {
      url: `nats://127.0.0.1:${port}`,
      port,
      process: started,
      [Symbol.asyncDispose]: async () => {
        await started.stop();
        await temporary?.[Symbol.asyncDispose]();
      },
    };
  }
}

/** A NATS server speaks first, and says INFO. */
async function greets(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    const [greeting] = (await once(socket, 'data', { signal: AbortSignal.timeout(2_000) })) as [Buffer];
    if (!greeting.toString('latin1').startsWith('INFO ')) throw new Error(`port ${port} does not speak NATS`);
  } finally {
    socket.destroy();
  }
}
