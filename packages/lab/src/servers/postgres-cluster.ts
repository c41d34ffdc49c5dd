import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPostgres } from './find-programs.mjs';
import { reachablePrograms } from './postgres-home.js';
import { ProgramMissingError } from './program-missing.js';
import type { User } from './unprivileged-user.js';

/** The name of the superuser of every server that the lab makes. */
export const superuser = 'holdfast';

/** The data was made by a major version of Postgres that this machine does not have. */
export class PostgresVersionError extends Error {
  override readonly name = 'PostgresVersionError';
  readonly code = 'postgres-version';

  constructor(
    readonly data: string,
    readonly needed: number,
    readonly found: readonly number[],
  ) {
    super(`${data} was made by Postgres ${needed}, and only ${found.join(', ')} is on this machine`);
  }
}

/** Where a server's programs and data are. */
export interface Cluster {
  readonly bin: string;
  readonly data: string;
  /** Of the superuser. */
  readonly password: string;
}

/**
 * Makes the data folder in `home` on first use, with a superuser who needs a password: other users of the machine can
 * reach a loopback port too.
 */
export async function createCluster(home: string, user: User | undefined): Promise<Cluster> {
  const data = join(home, 'data');
  const passwordFile = join(home, 'password');
  const major = await readFile(join(data, 'PG_VERSION'), 'utf8').then(Number, () => undefined);
  const installations = findPostgres();
  const chosen = installations.find((one) => major === undefined || one.major === major);
  if (chosen === undefined) {
    if (major === undefined) throw new ProgramMissingError('Postgres', 'DATABASE_URL');
    throw new PostgresVersionError(
      data,
      major,
      installations.map((one) => one.major),
    );
  }
  const bin = await reachablePrograms(chosen.bin, home, user);
  if (major === undefined) {
    await writeFile(passwordFile, `${randomBytes(18).toString('hex')}\n`, { mode: 0o600 });
    if (user) await chown(passwordFile, user.uid, user.gid);
    await rm(`${data}.new`, { recursive: true, force: true });
    const access = ['-U', superuser, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
    const options = ['-D', `${data}.new`, '-E', 'UTF8', '--locale=C', '--no-sync', ...access];
    await promisify(execFile)(join(bin, 'initdb'), options, { cwd: '/', ...user });
    await rename(`${data}.new`, data);
  }
  return { bin, data, password: (await readFile(passwordFile, 'utf8')).trim() };
}
