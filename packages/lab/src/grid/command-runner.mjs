// Runs commands of `holdfast`, given as JSON on standard input, one after the other in this one process, up to the first
// that fails. After each that succeeds a NUL goes to standard error, between its words and those of the next.
import { text } from 'node:stream/consumers';

const { main } = await import(new URL('../../../cli/built.mjs', import.meta.url).href);
for (const args of JSON.parse(await text(process.stdin))) {
  process.exitCode = await main(args);
  if (process.exitCode !== 0) break;
  process.stderr.write('\0');
}
