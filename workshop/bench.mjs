// `npm run bench`: prepares, builds, and measures. Arguments go to the measurements.
import { build } from './build.mjs';
import { run, say, whenStarted } from './checkout.mjs';
import { prepare } from './prepare.mjs';

async function bench(args) {
  await prepare();
  say('Building…');
  await build();
  return run(process.execPath, ['bench/dist/main.js', ...args]);
}

await whenStarted(import.meta.url, bench);
