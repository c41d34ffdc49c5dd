// A Chromium for the tests of the page, where CI runs on a machine that has none. People install their own, or do
// without: the tests then say that they were passed over.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runQuietly, say } from './checkout.mjs';

const programs = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];

export async function installBrowserForCi() {
  if (!process.env.CI || process.env.HOLDFAST_BROWSER || hasBrowser()) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  say('Installing chromium-headless-shell from the packages of this system…');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await runQuietly('apt-get', ['update'], { env });
  const { status, output } = await runQuietly(
    'apt-get',
    ['install', '-y', '--no-install-recommends', 'chromium-headless-shell'],
    { env },
  );
  if (status !== 0) say(`It could not be installed: ${output.trimEnd().split('\n').at(-1)}`);
}

function hasBrowser() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return programs.some((name) => folders.some((folder) => existsSync(join(folder, name))));
}
