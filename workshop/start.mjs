// `npm start`: a whole grid on this machine, in the foreground, its data below .lab/.
import { join } from 'node:path';
import { build } from './build.mjs';
import { checkout, say, whenStarted } from './checkout.mjs';
import { prepare } from './prepare.mjs';

async function start(args) {
  const parent = process.ppid;
  await prepare();
  say('Building…');
  await build();
  const { main } = await import('../packages/cli/dist/index.js');
  endWithParent(parent);
  const dir = args.some((argument) => /^--dir(=|$)/.test(argument)) ? [] : ['--dir', join(checkout, '.lab')];
  return main(['lab', 'up', ...dir, ...args]);
}

/** npm hands on the signals that it gets, but a npm that was killed outright cannot: then stop as for Ctrl-C. */
function endWithParent(parent) {
  if (!process.env.npm_lifecycle_event) return;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 500);
  watch.unref();
}

await whenStarted(import.meta.url, start);
