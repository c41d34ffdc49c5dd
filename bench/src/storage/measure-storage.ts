import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startPostgres, temporaryFolder } from '@holdfast/lab';
import { listAccounts, usageReport } from '@holdfast/storage';
import { figure, printTable } from '../table.js';
import { median, seconds } from '../timing.js';
import { StorageClients } from './clients.js';
import {
  expireLeases,
  fillRecords,
  isAnonymous,
  madeIndex,
  madeSize,
  makeFiles,
  moveFiles,
} from './made-shares.js';
import { type NodePlace, StorageNode } from './storage-node.js';

/** How much is measured. */
export interface StorageBenchSize {
  /** Leases at which it is measured first, and then again. */
  readonly few: number;
  readonly many: number;
  /** Shares that also lie on the disk; all of them expire in the pass. */
  readonly files: number;
  /** Seconds of each measurement of requests. */
  readonly duration: number;
}

/** What was measured with so many leases. */
interface Figures {
  readonly renewals: number;
  readonly smallShares: number;
  /** Milliseconds of the function, and of the whole command. */
  readonly usage: Timed;
  readonly accounts: Timed;
}

interface Timed {
  readonly work: number;
  readonly command: number;
}

const aims = {
  renewals: 3_000,
  smallShares: 500,
  report: 50,
  pass: 30,
  latency: 2,
  recovery: 20_000,
};

/**
 * A storage server with very many leases: renewals, small shares, reports, recovery, and a pass that collects while
 * readers read.
 *
 * @returns how many aims were missed
 */
export async function measureStorage(size: StorageBenchSize): Promise<number> {
  await using folder = await temporaryFolder('bench');
  await using postgres = await startPostgres({ dir: join(folder.path, 'postgres') });
  const place = (name: string) => ({
    folder: folder.path,
    name,
    postgres: postgres.url,
    shares: join(folder.path, `${name}-shares`),
  });
  const recovery = await measureRecovery(place('recovered'), size.files);
  await using node = await StorageNode.make(place('storage'));
  // Before there are shares: a server that finds shares without records does nothing but wait for the operator.
  await node.start();
  await node.stop();
  moveFiles(place('recovered').shares, place('storage').shares);
  const few = await measureWith(node, 0, size.few, size);
  const many = await measureWith(node, size.few, size.many, size);
  const pass = await measurePass(node, size);

  const aim = (reached: boolean, text: string) => (reached ? text : `${text}  missed`);
  printTable(
    `A storage server with ${size.few} and ${size.many} leases, on ${availableParallelism()} cores that the clients and Postgres share`,
    [
      ['', String(size.few), String(size.many), 'ratio', 'aim'],
      row(
        'lease renewals a second, 16 at a time',
        few.renewals,
        many.renewals,
        aim(many.renewals >= aims.renewals, '3000'),
      ),
      row(
        'shares of 1 kB stored a second, 16 at a time',
        few.smallShares,
        many.smallShares,
        aim(many.smallShares >= aims.smallShares, '500'),
      ),
      row('usage report, ms', few.usage.work, many.usage.work, aim(many.usage.work < aims.report, '50')),
      row(
        'account list, ms',
        few.accounts.work,
        many.accounts.work,
        aim(many.accounts.work < aims.report, '50'),
      ),
      row('holdfast usage, whole command, ms', few.usage.command, many.usage.command, ''),
      row('holdfast account list, whole command, ms', few.accounts.command, many.accounts.command, ''),
    ],
  );
  const latency = pass.meanwhile / pass.before;
  printTable(`One pass that collects ${size.files} of ${size.many} shares`, [
    ['', 'found', 'aim'],
    ['seconds', figure(pass.seconds), aim(pass.seconds < aims.pass, '30')],
    ['p99 of reads before, ms', figure(pass.before), ''],
    ['p99 of reads meanwhile, ms', figure(pass.meanwhile), ''],
    ['ratio', figure(latency), aim(latency <= aims.latency, '2')],
    [
      'shares recovered a second, from a warm cache',
      figure(recovery),
      aim(recovery >= aims.recovery, '20000'),
    ],
  ]);
  return [
    many.renewals >= aims.renewals,
    many.smallShares >= aims.smallShares,
    many.usage.work < aims.report,
    many.accounts.work < aims.report,
    pass.seconds < aims.pass,
    latency <= aims.latency,
    recovery >= aims.recovery,
  ].filter((reached) => !reached).length;
}

/** Shares a second that the command makes records of again, into an empty database. */
async function measureRecovery(place: NodePlace, files: number): Promise<number> {
  say(`making ${files} shares on the disk`);
  makeFiles(place.shares, files);
  await using node = await StorageNode.make(place);
  say('recovering their records');
  const { shares, seconds: took } = JSON.parse(await node.command('storage', 'recover', '--json')) as {
    shares: number;
    seconds: number;
  };
  return shares / took;
}

async function measureWith(
  node: StorageNode,
  from: number,
  to: number,
  size: StorageBenchSize,
): Promise<Figures> {
  say(`recording shares and leases, up to ${to}`);
  const { rows } = await node.database.pool.query<{ key: number }>('select key from storage.servers');
  await fillRecords(node.database, (rows[0] as { key: number }).key, from, to);
  await node.start();
  await using clients = new StorageClients(node.origin, node.credential);
  const leased = Array.from({ length: size.files }, (_, n) => n).filter(isAnonymous);
  say('renewing leases');
  const renewals = await rate(size.duration, 16, () =>
    clients.renew(madeIndex(leased[Math.floor(Math.random() * leased.length)] as number)),
  );
  say('storing small shares');
  const data = randomBytes(madeSize);
  const smallShares = await rate(size.duration, 16, () => clients.store(randomBytes(16), data));
  say('making reports');
  const until = new Date(Math.ceil(Date.now() / 3_600_000) * 3_600_000);
  const month = { from: new Date(until.getTime() - 30 * 86_400_000), to: until };
  const usage = {
    work: await milliseconds(() => usageReport(node.database, month)),
    command: await milliseconds(() => node.command('usage', '--json')),
  };
  const accounts = {
    work: await milliseconds(() => listAccounts(node.database)),
    command: await milliseconds(() => node.command('account', 'list', '--json')),
  };
  await node.stop();
  return { renewals, smallShares, usage, accounts };
}

/** A whole pass by the command, beside the running server, with readers at that server before and meanwhile. */
async function measurePass(
  node: StorageNode,
  size: StorageBenchSize,
): Promise<{ seconds: number; before: number; meanwhile: number }> {
  await node.start();
  await using clients = new StorageClients(node.origin, node.credential);
  // Theirs stay: what is collected can no longer be read.
  const kept = Array.from({ length: 2_000 }, () => randomBytes(16));
  const data = randomBytes(madeSize);
  let next = 0;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let at = next++; at < kept.length; at = next++) await clients.store(kept[at] as Uint8Array, data);
    }),
  );
  const { rows } = await node.database.pool.query<{ key: number }>('select key from storage.servers');
  await expireLeases(node.database, (rows[0] as { key: number }).key, size.files);
  say('reading, with nothing else to do');
  const before = await readLatency(clients, kept, delay(size.duration * 1000));
  say('reading while a pass collects');
  let took = 0;
  const passing = (async () => {
    took = await seconds(() => node.command('storage', 'collect', '--json'));
  })();
  const meanwhile = await readLatency(clients, kept, passing);
  await node.stop();
  return { seconds: took, before, meanwhile };
}

/** The 99th percentile of the milliseconds that a read takes, four at a time, until `over`. */
async function readLatency(
  clients: StorageClients,
  kept: readonly Uint8Array[],
  over: Promise<unknown>,
): Promise<number> {
  const times: number[] = [];
  let reading = true;
  const readers = Array.from({ length: 4 }, async () => {
    while (reading) {
      const begun = performance.now();
      await clients.read(kept[Math.floor(Math.random() * kept.length)] as Uint8Array);
      times.push(performance.now() - begun);
      // Some tens a second each, not as many as there can be: latency, not throughput.
      await delay(5);
    }
  });
  await over.finally(() => {
    reading = false;
  });
  await Promise.all(readers);
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)] as number;
}

/** How often a second `work` is done for so many seconds, so many at a time, after a short warming up. */
async function rate(duration: number, atOnce: number, work: () => Promise<unknown>): Promise<number> {
  const run = async (forSeconds: number) => {
    const end = performance.now() + forSeconds * 1000;
    let count = 0;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (performance.now() < end) {
          await work();
          count++;
        }
      }),
    );
    return count;
  };
  await run(duration / 4);
  let count = 0;
  const took = await seconds(async () => {
    count = await run(duration);
  });
  return count / took;
}

/** The middle of five. */
async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 5; run++) times.push(1000 * (await seconds(work)));
  return median(times);
}

function row(name: string, few: number, many: number, aim: string): string[] {
  return [name, figure(few), figure(many), figure(many / few), aim];
}

function say(doing: string): void {
  process.stderr.write(`  ${doing} …\n`);
}
