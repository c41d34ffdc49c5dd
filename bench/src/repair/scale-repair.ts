import { join } from 'node:path';
import { Lab } from '@holdfast/lab';
import { formatNurl, parseNurl } from '@holdfast/lafs';
import { Gateway } from '../grid/gateway.js';
import { figure, printTable } from '../table.js';
import { DelayingProxy } from './delaying-proxy.js';
import { edit, Repairers, storeFiles } from './repair-grid.js';

const latency = 20;
const workers = [1, 2, 4, 8] as const;
const aim = 6;

/**
 * Jobs per second of 1, 2, 4 and 8 repairers that do one job at a time, against storage servers whose answers come 20 ms
 * late, so that there is a time in which one of them waits and others can work.
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
  const repairerNodes = lab.description.repairers;
  for (const { nickname, dir } of repairerNodes) {
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

  const speeds: number[] = [];
  for (const count of workers) {
    for (const { nickname } of repairerNodes.slice(
      speeds.length === 0 ? 0 : (workers[speeds.length - 1] ?? 0),
      count,
    ))
      await lab.start(nickname);
    await using repairers = await Repairers.of(lab);
    // What a repairer does for the first time takes longer.
    await repairers.empty();
    await repairers.repair(files.slice(0, count * 10));
    await repairers.empty();
    const chosen = files.slice(0, count * jobs);
    speeds.push(chosen.length / (await repairers.repair(chosen)));
    process.stdout.write(`  ${count}: done\n`);
  }
  const [first = Number.NaN] = speeds;
  const last = speeds.at(-1) ?? Number.NaN;
  printTable(`Repairers of one job at a time, servers ${latency} ms away: repairs of 10 kB per second`, [
    ['repairers', ...workers.map(String), `1 to ${most}`, 'aim'],
    ['', ...speeds.map((speed) => figure(speed)), `${figure(last / first)}×`, `${aim}×`],
  ]);
  return last / first < aim ? 1 : 0;
}

/** A proxy in front of each storage server of a lab, and the address through it, by server id. */
async function openProxies(lab: Lab) {
  const proxies: DelayingProxy[] = [];
  const nurls = new Map<string, string>();
  for (const { id, nurl } of lab.description.storage) {
    const address = parseNurl(nurl);
    const proxy = await DelayingProxy.open(address.port, latency);
    proxies.push(proxy);
    nurls.set(id, formatNurl({ ...address, host: '127.0.0.1', port: proxy.port }));
  }
  return {
    nurls,
    [Symbol.asyncDispose]: async () => {
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
    },
  };
}
