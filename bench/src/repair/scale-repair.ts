import { cpus } from 'node:os';
import { join } from 'node:path';
import { Lab } from '@holdfast/lab';
import { Gateway } from '../grid/gateway.js';
import { figure, printTable } from '../table.js';
import { Latency } from './latency.js';
import { edit, Repairers, storeFiles } from './repair-grid.js';

/**
 * How many milliseconds late the storage servers take up what they are asked, and how many times as fast eight repairers
 * are to be as one. With 20 ms eight repairers nearly fill two cores: with more it is seen how repairers scale where the machine
 * lets them.
 */
const delays = [
  { late: 20, aim: 6 },
  { late: 40, aim: undefined },
  { late: 100, aim: undefined },
] as const;
const workers = [1, 2, 4, 8] as const;
const most = 8;

/**
 * Repairs that each repairer has behind it before anything is measured, without latency. After 300 V8 was still compiling
 * what a repair runs, which took eight repairers a tenth of two cores; after 1,000 it takes a twentieth.
 */
const behind = 1_500;

/** What so many repairers did in a second, and how much of all cores was in use, from 0 to 1. */
interface Scaled {
  readonly speed: number;
  readonly busy: number;
}

/**
 * Jobs per second of 1, 2, 4 and 8 repairers that do one job at a time, against storage servers that are late, so that
 * there is a time in which one of them waits and others can work.
 *
 * @param jobs of each repairer
 * @returns how many aims were missed
 */
export async function scaleRepair(jobs: number): Promise<number> {
  process.stdout.write(`Bringing up a grid with ${most} repairers…\n`);
  const shares = { required: 3, happy: 5, total: 10 };
  await using latency = await Latency.open();
  await using lab = await Lab.up({ storage: 5, repairers: most, shares });
  for (const { nickname, dir } of lab.description.repairers) {
    await lab.stop(nickname);
    await edit(join(dir, 'node.yaml'), (settings) => ({
      ...settings,
      limits: { jobs: 1 },
      watch: { checks: 0 },
    }));
  }
  await using gateway = new Gateway('Holdfast', lab.broker);
  const files = await storeFiles((content) => gateway.put(content), most * jobs, 10_000);

  for (const { nickname } of lab.description.repairers) await lab.start(nickname);
  for (let done = 0; done < most * behind; done += files.length) await repairAgain(lab, files);
  const scaled = new Map<string, Scaled>();
  let running: number = most;
  // From all to one, so that all have done the same before.
  for (const count of workers.toReversed()) {
    for (; running > count; running--) await lab.stop(lab.description.repairers[running - 1]?.nickname ?? '');
    for (const { late } of delays) {
      await latency.set(late);
      scaled.set(`${count}, ${late}`, await repairAgain(lab, files.slice(0, count * jobs)));
      process.stdout.write(`  ${count} repairers, ${late} ms late: done\n`);
    }
  }
  const rows: string[][] = [];
  let missed = 0;
  for (const { late, aim } of delays) {
    const row = workers.map((count) => scaled.get(`${count}, ${late}`) as Scaled);
    const ratio = (row.at(-1)?.speed ?? Number.NaN) / (row[0]?.speed ?? Number.NaN);
    if (aim !== undefined && ratio < aim) missed++;
    rows.push(
      [
        `${late} ms`,
        ...row.map(({ speed }) => figure(speed)),
        `${figure(ratio)}×`,
        aim === undefined ? '' : `${aim}×`,
      ],
      ['  of all cores', ...row.map(({ busy }) => `${Math.round(busy * 100)}%`), '', ''],
    );
  }
  printTable('Repairers of one job at a time, servers so late: repairs of 10 kB per second', [
    ['repairers', ...workers.map(String), `1 to ${most}`, 'aim'],
    ...rows,
  ]);
  return missed;
}

/** Has the repairers that run repair these files, of whose shares some are taken away. */
async function repairAgain(lab: Lab, files: readonly string[]): Promise<Scaled> {
  await using repairers = await Repairers.of(lab);
  await repairers.empty();
  const before = coreTimes();
  const speed = files.length / (await repairers.repair(files));
  const after = coreTimes();
  return { speed, busy: (after.busy - before.busy) / (after.all - before.all) };
}

/** Milliseconds of all cores since they were started. */
function coreTimes(): { readonly busy: number; readonly all: number } {
  const times = cpus().map((core) => core.times);
  const all = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  return { all, busy: all - times.reduce((sum, { idle }) => sum + idle, 0) };
}
