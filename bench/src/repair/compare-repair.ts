import { join } from 'node:path';
import { Lab } from '@holdfast/lab';
import { Gateway } from '../grid/gateway.js';
import { TahoeGrid } from '../grid/tahoe-grid.js';
import { figure, printTable } from '../table.js';
import { median, seconds, throughput } from '../timing.js';
import { emptied, emptyShares, Repairers, settleRepairers, storeFiles } from './repair-grid.js';
import { WatchedFiles } from './watched-files.js';

/** How much is measured. */
export interface RepairBenchSize {
  readonly rounds: number;
  /** Files of 10 kB that are checked and repaired in a round. */
  readonly smallFiles: number;
}

const smallSize = 10_000;
const largeSize = 100_000_000;
const aim = 5;

/**
 * What a service that has run for a while has behind it, beside a first round. V8 compiles what it runs often: the first
 * hundred checks take twice as long as later ones. The peer's interpreter compiles nothing; its gateway does the checks
 * all the same, and one large repair.
 */
const behind = { checks: 600, repairs: 300, largeRepairs: 4 };

/** Files of 10 kB that the repairer has under watch. Fewer are checked before a clock can tell how fast. */
const watchedFiles = 600;

/** As many checks at a time, and in a second, as a repairer can be set to make. */
const watch = { checks: 100, checks_per_second: 10_000 };

/** What is measured on one grid, each figure the higher the better. */
interface RepairFigures {
  /** Asked of the gateway, one at a time. */
  readonly checksInTurn: number;
  /** Many at a time: by the repairer with us, by the gateway with the peer. */
  readonly checks: number;
  readonly repairs: number;
  readonly large: number;
}

/**
 * Checks and repairs of Holdfast and Tahoe-LAFS beside each other: five storage servers each, 3-of-10, and two of the five
 * emptied before each repair. Checks are asked of both gateways, one at a time; then our repairer checks files under watch,
 * and the peer's gateway, the only one there who does that work, is asked for eight at a time. Repairs are a repairer's with
 * us, and with the peer its gateway's, which is asked for one at a time.
 *
 * @returns how many aims were missed
 */
export async function compareRepair({ rounds, smallFiles }: RepairBenchSize): Promise<number> {
  process.stdout.write('Bringing up both grids…\n');
  await using lab = await Lab.up({ storage: 5, repairers: 1, shares: { required: 3, happy: 5, total: 10 } });
  await using tahoe = await TahoeGrid.up();
  await settleRepairers(lab, (settings) => ({ ...settings, watch }));
  await using ours = new Gateway('Holdfast', lab.broker);
  await using theirs = new Gateway('Tahoe-LAFS', tahoe.gateway);
  await using repairers = await Repairers.of(lab);
  await using watched = await WatchedFiles.of(lab);

  // New files for each round: after a repair of the peer's a file has shares twice, and loses none with two servers.
  const store = async (gateway: Gateway) => {
    const put = (content: Uint8Array) => gateway.put(content);
    const small = await storeFiles(put, smallFiles, smallSize);
    const [large = ''] = await storeFiles(put, 1, largeSize);
    // Ours go past the system's cache when they are stored, the peer's into it: so both are found in it.
    await gateway.verify(large);
    return { small, large };
  };
  const checksPerSecond = (gateway: Gateway, small: readonly string[], atOnce = 1) =>
    throughput(smallFiles, atOnce, (index) => gateway.check(small[index] ?? ''));
  const measureOurs = async (): Promise<RepairFigures> => {
    const { small, large } = await store(ours);
    const checksInTurn = await checksPerSecond(ours, small);
    await watched.replace(await storeFiles((content) => ours.put(content), watchedFiles, smallSize));
    const checks = watchedFiles / (await watched.check());
    await repairers.empty();
    const repairs = smallFiles / (await repairers.repair(small));
    return { checksInTurn, checks, repairs, large: 1 / (await repairers.repair([large])) };
  };
  const measureTheirs = async (): Promise<RepairFigures> => {
    const { small, large } = await store(theirs);
    const checksInTurn = await checksPerSecond(theirs, small);
    const checks = await checksPerSecond(theirs, small, 8);
    for (const dir of tahoe.storage.slice(0, emptied)) await emptyShares(join(dir, 'storage', 'shares'));
    const repairs = await throughput(smallFiles, 1, (index) => theirs.repair(small[index] ?? ''));
    return { checksInTurn, checks, repairs, large: 1 / (await seconds(() => theirs.repair(large))) };
  };

  const checkOften = async (gateway: Gateway, small: readonly string[]) => {
    for (let done = 0; done < behind.checks; done += small.length) await checksPerSecond(gateway, small);
  };
  await measureOurs();
  const { small, large } = await store(ours);
  await checkOften(ours, small);
  for (let done = 0; done < behind.repairs; done += small.length) {
    await repairers.empty();
    await repairers.repair(small);
  }
  for (let done = 0; done < behind.largeRepairs; done++) {
    await repairers.empty();
    await repairers.repair([large]);
  }
  await measureTheirs();
  await checkOften(theirs, (await store(theirs)).small);
  const mine: RepairFigures[] = [];
  const other: RepairFigures[] = [];
  for (let round = 0; round < rounds; round++) {
    mine.push(await measureOurs());
    other.push(await measureTheirs());
    process.stdout.write(`  round ${round + 1}: done\n`);
  }
  let missed = 0;
  const perSecond = (value: number) => `${figure(value)} /s`;
  const row = (name: string, show: (value: number) => string, key: keyof RepairFigures, wanted?: number) => {
    const [a, b] = [median(mine.map((each) => each[key])), median(other.map((each) => each[key]))];
    if (wanted !== undefined && a / b < wanted) missed++;
    return [name, show(a), show(b), `${figure(a / b)}×`, wanted === undefined ? '' : `${wanted}×`];
  };
  printTable('Check and repair: 5 storage servers, 3-of-10, one repairer, loopback', [
    ['', 'Holdfast', 'Tahoe-LAFS 1.20', 'ratio', 'aim'],
    row('checks of 10 kB, one at a time by the gateway', perSecond, 'checksInTurn'),
    row('checks of 10 kB by one repairer', perSecond, 'checks', aim),
    row('repairs of 10 kB, 2 of 5 servers emptied', perSecond, 'repairs', aim),
    row('repair of 100 MB', (value) => `${figure(1 / value)} s`, 'large', aim),
  ]);
  return missed;
}
