// `npm start`: a whole grid on this machine, in the foreground, its data below .lab/.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { build } from './build.mjs';
import { checkout, say, whenStarted } from './checkout.mjs';
import { prepare } from './prepare.mjs';

async function start(args) {
  const npm = npmAbove(process.ppid);
  await prepare();
  say('Building…');
  await build();
  const { main } = await import('../packages/cli/dist/index.js');
  if (npm !== undefined) endWith(npm);
  const dir = args.some((argument) => /^--dir(=|$)/.test(argument)) ? [] : ['--dir', join(checkout, '.lab')];
  return main(['lab', 'up', ...dir, ...args]);
}

/** The npm that runs us: our parent, or the parent of the shell that it uses. */
function npmAbove(pid) {
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  for (let above = pid; above > 1; ) {
    const [parent, ...words] = processAndParent(above);
    if (words.some((word) => /^(.*\/)?npm(-cli\.js)?$/.test(word))) return above;
    above = Number(parent);
  }
  return undefined;
}

/** The parent of a process, and its command line by words; nothing where there is no `ps`, as in small containers. */
function processAndParent(pid) {
  try {
    const line = execFileSync('ps', ['-o', 'ppid=,args=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return line.trim().split(/\s+/);
  } catch {
    return [];
  }
}

/** Whoever kills npm means us too, but npm's shell does not hand signals on: then stop as for Ctrl-C. */
function endWith(npm) {
  const watch = setInterval(() => {
    try {
      process.kill(npm, 0);
    } catch {
      clearInterval(watch);
      process.kill(process.pid, 'SIGTERM');
    }
  }, 300);
  watch.unref();
}

await whenStarted(import.meta.url, start);
