// The npm packages of the workspace, by pnpm, which npm fetches.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout, runQuietly, say, WorkshopError } from './checkout.mjs';

const pnpm = 'pnpm@12.21.0';

/** Installs what the lockfile says, unless that is what is installed. */
export async function installPackages() {
  if (isInstalled()) return;
  say('Installing packages (about a minute the first time)…');
  const pnpmArguments = ['install', '--frozen-lockfile', '--config.confirmModulesPurge=false'];
  const { status, output } = await runQuietly(
    process.platform === 'win32' ? 'npm.cmd' : 'npm',
    ['exec', '--yes', `--package=${pnpm}`, '--', 'pnpm', ...pnpmArguments],
    { env: { ...process.env, CI: 'true' } },
  );
  if (status !== 0) throw new WorkshopError(`${output.trimEnd()}\n\nThe packages could not be installed.`);
}

/** pnpm leaves a copy of the lockfile in `node_modules` once everything in it is in place. */
function isInstalled() {
  const installed = join(checkout, 'node_modules/.pnpm/lock.yaml');
  if (!existsSync(installed) || !existsSync(join(checkout, 'node_modules/.modules.yaml'))) return false;
  return readFileSync(installed).equals(readFileSync(join(checkout, 'pnpm-lock.yaml')));
}
