import { parseArgs } from 'node:util';
import { measureBrokerMemory } from './grid/broker-memory.js';
import { compareGrids } from './grid/compare.js';
import { measureKernels } from './kernels/kernels.js';
import { measureMembership } from './membership/measure-membership.js';
import { measureStorage } from './storage/measure-storage.js';

const parts = {
  kernels: measureKernels,
  grid: (quick: boolean) =>
    compareGrids(quick ? { rounds: 1, smallFiles: 20 } : { rounds: 3, smallFiles: 60 }),
  memory: measureBrokerMemory,
  membership: (quick: boolean) =>
    measureMembership(quick ? { few: 100, many: 1_000, brokers: 5 } : { few: 200, many: 2_000, brokers: 20 }),
  storage: (quick: boolean) =>
    measureStorage(
      quick
        ? { few: 10_000, many: 100_000, files: 10_000, duration: 2 }
        : { few: 100_000, many: 1_000_000, files: 100_000, duration: 8 },
    ),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, check: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((name) => !Object.hasOwn(parts, name));
if (unknown.length > 0) {
  process.stderr.write(
    `bench: there is no ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}\n`,
  );
  process.exit(2);
}
let missed = 0;
for (const [name, measure] of Object.entries(parts)) {
  if (positionals.length === 0 || positionals.includes(name)) missed += await measure(values.quick);
}
process.stdout.write(missed === 0 ? '\nEvery aim was reached.\n' : `\n${missed} aim(s) missed.\n`);
if (values.check && missed > 0) process.exitCode = 1;
