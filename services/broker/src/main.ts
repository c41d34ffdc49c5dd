import { run } from './run.js';

/** `node main.js DIR`: the broker alone, for a container that needs no `holdfast` command. */
const [dir] = process.argv.slice(2);
if (dir === undefined) {
  process.stderr.write('usage: node main.js DIR\n');
  process.exit(2);
}
try {
  await run(dir);
  process.exit(0);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
