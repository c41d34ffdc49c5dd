// Runs commands of `holdfast`, given as JSON, one after the other in this one process, up to the first that fails.
const { main } = await import(new URL('../../../cli/build/holdfast.js', import.meta.url).href);
const [, , commands = '[]'] = process.argv;
for (const args of JSON.parse(commands)) {
  process.exitCode = await main(args);
  if (process.exitCode !== 0) break;
}
