import { cpus } from 'node:os';
import { join } from 'node:path';
import { Lab } from '@holdfast/lab';
import { formatNurl, parseNurl } from '@holdfast/lafs';
import { Gateway } from '../grid/gateway.js';
import { figure, printTable } from '../table.js';
import { DelayingProxy } from './delaying-proxy.js';
import { edit, Repairers, storeFiles } from './repair-grid.js';

/**
 * Milliseconds by which answers are late, and how many times as fast eight repairers are to be as one. With 20 a repairer
 * of today is at work for half of the time, and two cores are full before there are eight of them: 100 shows how they
 * scale where the machine lets them.
 */
const latencies = [
  { latency: 20, aim: 6 },
  { latency: 100, aim: undefined },
] as const;
const workers = [1, 2, 4, 8] as const;

/** What so many repairers did in a second, and how much of all cores was in use, from 0 to 1. */
interface Scaled {
  readonly speed: number;
  readonly busy: number;
}

/**
 * Jobs per second of 1, 2, 4 and 8 repairers that do one job at a time, against storage servers whose answers come late,
 * so that there is a time in which one of them waits and others can work.
 *
 * @param jobs of each repairer
 * @returns how many aims were missed
 */
export async function scaleRepair(jobs: number): Promise<number> {
  const most = workers.at(-1) ?? 1;
  process.stdout.write(`Bringing up a grid with ${most} repairers…\n`);
  const shares = { required: 3, happy: 5, total: 10 };
  await using lab = await Lab.up({ storage: 5, repairers: most, shares });
  await using proxies = await openProxies(lab);
  const servers = Object.fromEntries(
    [...proxies.nurls].map(([id, nurl]) => [
      id,
      { server_options: { announcement: { 'anonymous-storage-NURLs': [nurl] } } },
    ]),
  );
  for (const { nickname, dir } of lab.description.repairers) {
    await lab.stop(nickname);
    await edit(join(dir, 'node.yaml'), (settings) => ({
      ...settings,
      limits: { jobs: 1 },
      watch: { checks: 0 },
    }));
    await edit(join(dir, 'connections.yaml'), (connections) => ({ ...connections, servers }));
  }
  await using gateway = new Gateway('Holdfast', lab.broker);
  const files = await storeFiles((content) => gateway.put(content), most * jobs, 10_000);

  // The first measurement finds storage servers that have done something before, as do all others.
  await scaleAt(lab, files, jobs, 0, [1]);
  const rows: string[][] = [];
  let missed = 0;
  for (const { latency, aim } of latencies) {
    proxies.delayBy(latency);
    const scaled = await scaleAt(lab, files, jobs, latency);
    const ratio = (scaled.at(-1)?.speed ?? Number.NaN) / (scaled[0]?.speed ?? Number.NaN);
    if (aim !== undefined && ratio < aim) missed++;
    rows.push(
      [
        `${latency} ms`,
        ...scaled.map(({ speed }) => figure(speed)),
        `${figure(ratio)}×`,
        aim === undefined ? '' : `${aim}×`,
      ],
      ['  of all cores', ...scaled.map(({ busy }) => `${Math.round(busy * 100)}%`), '', ''],
    );
  }
  printTable('Repairers of one job at a time, servers so far away: repairs of 10 kB per second', [
    ['repairers', ...workers.map(String), `1 to ${most}`, 'aim'],
    ...rows,
  ]);
  return missed;
}

async function scaleAt(
  lab: Lab,
  files: readonly string[],
  jobs: number,
  latency: number,
  counts: readonly number[] = workers,
): Promise<Scaled[]> {
  const nodes = lab.description.repairers;
  const scaled: Scaled[] = [];
  let running = 0;
  for (const count of counts) {
    for (; running < count; running++) await lab.start(nodes[running]?.nickname ?? '');
    await using repairers = await Repairers.of(lab);
    // What a repairer does for the first time takes longer.
    await repairers.empty();
    await repairers.repair(files.slice(0, count * 10));
    await repairers.empty();
    const chosen = files.slice(0, count * jobs);
    const before = coreTimes();
    const speed = chosen.length / (await repairers.repair(chosen));
    const after = coreTimes();
    scaled.push({ speed, busy: (after.busy - before.busy) / (after.all - before.all) });
    process.stdout.write(`  ${count} repairers, ${latency} ms: done\n`);
  }
  for (const { nickname } of nodes.slice(0, running)) await lab.stop(nickname);
  return scaled;
}

/** Milliseconds of all cores since they were started. */
function coreTimes(): { readonly busy: number; readonly all: number } {
  const times = cpus().map((core) => core.times);
  const all = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  return { all, busy: all - times.reduce((sum, { idle }) => sum + idle, 0) };
}

/** A proxy in front of each storage server of a lab, and the address through it, by server id. */
async function openProxies(lab: Lab) {
  const proxies: DelayingProxy[] = [];
  const nurls = new Map<string, string>();
  for (const { id, nurl } of lab.description.storage) {
    const address = parseNurl(nurl);
    const proxy = await DelayingProxy.open(address.port);
    proxies.push(proxy);
    nurls.set(id, formatNurl({ ...address, host: '127.0.0.1', port: proxy.port }));
  }
  return {
    nurls,
    delayBy: (latency: number) => {
      for (const proxy of proxies) proxy.delayBy(latency);
    },
    [Symbol.asyncDispose]: async () => {
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
    },
  };
}
