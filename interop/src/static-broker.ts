import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  createTestBus,
  createTestDatabase,
  freePort,
  holdfastProgram,
  startGuarded,
  untilReady,
  waitForServers,
} from '@holdfast/lab';
import { parse } from 'yaml';
import { RunningThings } from './running-things.js';
import type { ServerAnnouncement, TahoeEncoding } from './tahoe-node.js';

/** The text of a `connections.yaml` with these servers. */
export function connectionsOf(servers: Readonly<Record<string, ServerAnnouncement>>): string {
  const clauses = Object.fromEntries(
    Object.entries(servers).map(([id, announcement]) => [id, { server_options: { announcement } }]),
  );
  return JSON.stringify({ servers: clauses });
}

/**
 * A broker of ours, as a process of its own, whose only servers are those of its `connections.yaml`.
 *
 * @param connections the text of that file
 */
export async function startStaticBroker(
  dir: string,
  connections: string,
  { encoding, convergence }: { encoding: TahoeEncoding; convergence: string },
): Promise<{ url: string } & AsyncDisposable> {
  await using started = new RunningThings();
  const database = started.add(await createTestDatabase());
  const bus = started.add(await createTestBus());
  const [listen, operator] = [await freePort(), await freePort()];
  const { required, happy, total } = encoding;
  await promisify(execFile)(process.execPath, [
    ...[holdfastProgram, 'init', 'broker', dir],
    ...['--postgres', database.url, '--nats', bus.url, '--shares', `${required},${happy},${total}`],
    ...['--listen', `127.0.0.1:${listen}`, '--operator', `127.0.0.1:${operator}`],
  ]);
  await writeFile(join(dir, 'connections.yaml'), connections);
  await writeFile(join(dir, 'private', 'convergence'), convergence);
  const broker = await startGuarded({
    name: 'broker',
    command: process.execPath,
    args: [holdfastProgram, 'run', dir],
    log: join(dir, 'node.log'),
    stopSignal: 'SIGTERM',
  });
  started.end(async () => void (await broker.stop()));
  const url = `http://127.0.0.1:${listen}`;
  await untilReady('broker', broker, async () => {
    const { ok } = await fetch(`http://127.0.0.1:${operator}/readyz`);
    if (!ok) throw new Error('not ready');
  });
  const { servers } = parse(connections) as { servers: object };
  await waitForServers(url, Object.keys(servers).length);
  const running = started.handOver();
  return { url, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}
