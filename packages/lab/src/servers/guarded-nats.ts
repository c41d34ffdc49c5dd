import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateNodePem, parseNodePem } from '@holdfast/common/identity';
import { type RunningNats, startNats } from './nats.js';

/** The users of a guarded bus. */
export const busUsers = ['introducer', 'storage', 'broker', 'repairer', 'operator'] as const;

export type BusUser = (typeof busUsers)[number];

/** What one needs to use a guarded bus. */
export interface BusGuard {
  /** The certificate that it shows, in PEM. */
  readonly ca: string;
  /** The file that `ca` is in. */
  readonly caFile: string;
  readonly passwords: Readonly<Record<BusUser, string>>;
}

/** A bus that asks its users who they are. `url` is that of its operator. */
export interface RunningGuardedNats extends RunningNats {
  readonly guard: BusGuard;
  /** The URL of one user, with its password. */
  readonly urlOf: (user: BusUser) => string;
}

const template = fileURLToPath(new URL('../../../../deploy/nats/nats-server.conf', import.meta.url));

/**
 * Starts a nats-server with the configuration that operators use (deploy/nats), for one grid. Its certificate and
 * passwords are made once, and kept in `dir`.
 *
 * @throws ProgramMissingError, EarlyExitError
 */
export async function startGuardedNats(
  dir: string,
  { grid, port }: { grid: string; port?: number },
): Promise<RunningGuardedNats> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const guard = await makeGuard(dir);
  const configuration = join(dir, 'nats-server.conf');
  const text = await readFile(template, 'utf8');
  const places: Record<string, string> = {
    GRID: grid,
    '/etc/nats': dir,
    '/var/lib/nats': join(dir, 'jetstream'),
  };
  // All in one pass: a path that is put in may hold any of these words itself.
  const placed = text.replaceAll(/GRID|\/etc\/nats|\/var\/lib\/nats/g, (word) => places[word] ?? word);
  await writeFile(configuration, placed);
  const nats = await startNats({ dir, configuration, ...(port === undefined ? {} : { port }) });
  const urlOf = (user: BusUser) => `tls://${user}:${guard.passwords[user]}@127.0.0.1:${nats.port}`;
  return { ...nats, url: urlOf('operator'), guard, urlOf };
}

async function makeGuard(dir: string): Promise<BusGuard> {
  const caFile = join(dir, 'bus.pem');
  const passwordFile = join(dir, 'passwords.conf');
  const there = await readFile(passwordFile, 'utf8').catch(() => undefined);
  if (there !== undefined)
    return { ca: await readFile(caFile, 'utf8'), caFile, passwords: readPasswords(there) };
  const { certificate, key } = parseNodePem(await generateNodePem(['127.0.0.1']));
  const lines = busUsers.map((user) => `${user}_password: "${randomBytes(24).toString('base64url')}"\n`);
  await writeFile(join(dir, 'bus.key'), `${key}\n`, { mode: 0o600 });
  await writeFile(caFile, `${certificate}\n`);
  // Last, because the others are taken to be there where it is.
  await writeFile(passwordFile, lines.join(''), { mode: 0o600 });
  return { ca: `${certificate}\n`, caFile, passwords: readPasswords(lines.join('')) };
}

function readPasswords(text: string): Record<BusUser, string> {
  const passwordOf = (user: BusUser) => new RegExp(`^${user}_password: "(.*)"$`, 'm').exec(text)?.[1] ?? '';
  return Object.fromEntries(busUsers.map((user) => [user, passwordOf(user)])) as Record<BusUser, string>;
}
