// A nats-server from the packages of a Debian-like system. It is unpacked below this checkout and not installed:
// that needs no root, and starts no daemon on a well-known port.
import {
  accessSync,
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchedPrograms } from '../packages/lab/src/servers/find-programs.mjs';
import { runQuietly, say } from './checkout.mjs';

/** @returns {Promise<string | undefined>} why it could not be fetched, or undefined when it is there */
export async function fetchNatsServer() {
  if (!canRun('/usr/bin/apt-get') || !canRun('/usr/bin/dpkg-deb')) return 'there is no apt-get here';
  say('Fetching nats-server from the packages of this system…');
  const work = mkdtempSync(join(tmpdir(), 'holdfast-nats-'));
  try {
    return await fetchInto(work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function fetchInto(work) {
  mkdirSync(join(work, 'state/lists/partial'), { recursive: true });
  mkdirSync(join(work, 'cache/archives/partial'), { recursive: true });
  const apart = [
    ...['-o', `Dir::State=${join(work, 'state')}`],
    ...['-o', `Dir::Cache=${join(work, 'cache')}`],
    ...['-o', 'Dir::State::status=/var/lib/dpkg/status'],
    ...['-o', 'APT::Sandbox::User='],
    ...['-o', 'Acquire::Retries=3'],
  ];
  // An update may end with a complaint about one source among many; the download tells whether it mattered.
  const update = await runQuietly('apt-get', [...apart, 'update'], { cwd: work });
  const download = await runQuietly('apt-get', [...apart, 'download', 'nats-server'], { cwd: work });
  const archive = readdirSync(work).find((name) => name.endsWith('.deb'));
  if (archive === undefined) return `apt-get: ${lastLine(download.output) || lastLine(update.output)}`;
  const unpacked = await runQuietly('dpkg-deb', ['-x', archive, 'unpacked'], { cwd: work });
  if (unpacked.status !== 0) return `dpkg-deb: ${lastLine(unpacked.output)}`;
  const program = ['usr/sbin', 'usr/bin']
    .map((folder) => join(work, 'unpacked', folder, 'nats-server'))
    .find((path) => canRun(path));
  if (program === undefined) return 'the package nats-server holds no program of that name';
  mkdirSync(fetchedPrograms, { recursive: true });
  copyFileSync(program, join(fetchedPrograms, '.nats-server.new'));
  renameSync(join(fetchedPrograms, '.nats-server.new'), join(fetchedPrograms, 'nats-server'));
  return undefined;
}

function canRun(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function lastLine(text) {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
