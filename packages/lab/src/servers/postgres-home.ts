import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { canReach, type User } from './unprivileged-user.js';

/** The folder in which Postgres keeps its data was elsewhere, and is gone. */
export class PostgresHomeMissingError extends Error {
  override readonly name = 'PostgresHomeMissingError';
  readonly code = 'postgres-home-missing';

  constructor(
    readonly link: string,
    readonly target: string,
  ) {
    super(
      `${link} points to ${target}, which is gone, and the databases with it; remove the folder to begin anew`,
    );
  }
}

// Unlike the temporary folder of most systems, this one survives a reboot.
const outside = '/var/tmp';

/**
 * Makes the folder that Postgres keeps its data in, owned by the user that it runs as. Where that user cannot reach
 * `folder`, because one above it is closed, `folder` becomes a link to one elsewhere.
 *
 * @returns the folder's real path
 */
export async function makePostgresHome(folder: string, user: User | undefined): Promise<string> {
  const existing = await lstat(folder).catch(() => undefined);
  if (existing?.isSymbolicLink()) {
    const target = await readlink(folder);
    await stat(target).catch(() => {
      throw new PostgresHomeMissingError(folder, target);
    });
    return target;
  }
  await mkdir(dirname(folder), { recursive: true });
  const reachable = user === undefined || (await canReach(dirname(folder), user));
  if (reachable) await mkdir(folder, { recursive: true });
  else await symlink(await mkdtemp(join(outside, 'holdfast-postgres-')), folder);
  const home = await realpath(folder);
  await chmod(home, 0o700);
  if (user) await chown(home, user.uid, user.gid);
  return home;
}

/** Removes what `makePostgresHome` made. */
export async function removePostgresHome(folder: string): Promise<void> {
  const home = await realpath(folder).catch(() => undefined);
  if (home !== undefined) await rm(home, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
}

/**
 * The folder of programs to run Postgres from: the one that was found or, where the user cannot reach it (packages
 * installed below a closed home folder), a copy of it in Postgres' own home.
 */
export async function reachablePrograms(bin: string, home: string, user: User | undefined): Promise<string> {
  if (user === undefined || (await canReach(bin, user))) return bin;
  const copy = join(home, 'programs');
  const done = await stat(copy).catch(() => undefined);
  if (done === undefined) {
    await cp(dirname(bin), `${copy}.new`, { recursive: true, verbatimSymlinks: true, force: true });
    await chmod(`${copy}.new`, 0o711);
    await rename(`${copy}.new`, copy);
  }
  return join(copy, basename(bin));
}
