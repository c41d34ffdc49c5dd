import { Lab } from '@holdfast/lab';
import { figure, printTable } from '../table.js';
import { throughput } from '../timing.js';
import { Gateway } from './gateway.js';
import { TahoeGrid } from './tahoe-grid.js';
import { workloads } from './workloads.js';

/** Small files that are stored and read at each gateway before anything is measured. */
const warmUpFiles = 2_500;
/** And large ones, of 100 MB. */
const largeWarmUpFiles = 10;

/** How long to measure. */
export interface ComparisonSize {
  readonly rounds: number;
  /** Small files stored in one round, one at a time; as many again for each one more at a time. */
  readonly smallFiles: number;
}

/**
 * What a service that has run for a while has behind it: code compiled, connections open. Not measured. V8 compiles what
 * runs often, and storage servers still get faster after thousands of small files, and dozens of large ones:
 * bench/README.md.
 */
async function warmUp(gateway: Gateway): Promise<void> {
  await throughput(warmUpFiles, 4, async (file) =>
    gateway.get(await gateway.put(Buffer.from(`${gateway.name} ${file}`.repeat(900)))),
  );
  for (let file = 0; file < largeWarmUpFiles; file++)
    await gateway.get(await gateway.put(Buffer.alloc(100_000_000, `${gateway.name} ${file}`)));
}

/**
 * Holdfast and Tahoe-LAFS beside each other: five storage servers each, 3-of-10, all on this machine, one workload
 * after the other and each gateway in turn, so that what else the machine does falls on both.
 *
 * @returns how many targets were missed
 */
export async function compareGrids(size: ComparisonSize): Promise<number> {
  process.stdout.write('Bringing up both grids…\n');
  await using lab = await Lab.up({ storage: 5, shares: { required: 3, happy: 5, total: 10 } });
  await using tahoe = await TahoeGrid.up();
  await using ours = new Gateway('Holdfast', lab.broker);
  await using theirs = new Gateway('Tahoe-LAFS', tahoe.gateway);
  for (const gateway of [ours, theirs]) await warmUp(gateway);

  const rows: string[][] = [['', 'Holdfast', 'Tahoe-LAFS 1.20', 'ratio', 'aim']];
  let missed = 0;
  for (const { name, unit, target, run } of workloads(size)) {
    const mine = await run(ours);
    const other = await run(theirs);
    const ratio = mine / other;
    if (ratio < target) missed++;
    rows.push([
      name,
      `${figure(mine)} ${unit}`,
      `${figure(other)} ${unit}`,
      `${figure(ratio)}×`,
      `${target}×`,
    ]);
    process.stdout.write(`  ${name}: done\n`);
  }
  printTable('Whole grids: 5 storage servers, 3-of-10, one gateway, loopback', rows);
  return missed;
}
