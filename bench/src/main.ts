import { parseArgs } from 'node:util';
import { withQuickCopies } from '@holdfast/lab';
import { measureBrokerMemory } from './grid/broker-memory.js';
import { compareGrids } from './grid/compare.js';
import { measureKernels } from './kernels/kernels.js';
import { measureMembership } from './membership/measure-membership.js';
import { measureRepair } from './repair/measure-repair.js';
import { fullSimulation, simulateRepair } from './repair-simulation/measure-repair-simulation.js';
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
  repair: (quick: boolean) =>
    measureRepair(quick ? { rounds: 1, smallFiles: 30, jobs: 15 } : { rounds: 3, smallFiles: 100, jobs: 60 }),
  'repair-simulation': (quick: boolean) =>
    simulateRepair({
      ...fullSimulation,
      files: wholeNumber('files', quick ? fullSimulation.files / 50 : fullSimulation.files),
      years: wholeNumber('years', fullSimulation.years),
      repairsPerHour: wholeNumber('capacity', fullSimulation.repairsPerHour),
      seed: wholeNumber('seed', Math.floor(Math.random() * 2 ** 32)),
    }),
};

// The lab sets this for our processes; the peer's get the same.
Object.assign(process.env, withQuickCopies(process.env));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    // Of repair-simulation.
    files: { type: 'string' },
    years: { type: 'string' },
    capacity: { type: 'string' },
    seed: { type: 'string' },
  },
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

function wholeNumber(name: 'files' | 'years' | 'capacity' | 'seed', usual: number): number {
  const text = values[name];
  if (text === undefined) return usual;
  if (/^[0-9]{1,10}$/.test(text)) return Number(text);
  process.stderr.write(`bench: --${name} is ${text}, and not a whole number\n`);
  process.exit(2);
}
