import { type ChildProcess, fork } from 'node:child_process';
import { createPublicKey, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  announcementSubjects,
  buildStorageAnnouncement,
  type SignedAnnouncement,
  signAnnouncement,
} from '@holdfast/common/announcements';
import { Bus } from '@holdfast/common/bus';
import {
  generateNodePem,
  generateSigningKey,
  parseNodePem,
  parseSigningKey,
  publicKeyText,
} from '@holdfast/common/identity';
import { silentLogger } from '@holdfast/common/logging';
import { placeShares } from '@holdfast/grid';
import { initialise } from '@holdfast/introducer';
import {
  createDatabase,
  freePort,
  holdfastProgram,
  startGuarded,
  startNats,
  startPostgres,
  temporaryFolder,
  untilReady,
  waitFor,
} from '@holdfast/lab';
import { permutedServerOrder } from '@holdfast/lafs';
import { figure, printTable } from '../table.js';
import { median, throughput } from '../timing.js';
import type { Order, Report } from './listeners.js';

/** How much is measured. */
export interface MembershipBenchSize {
  /** Servers of the grid at which it is measured first, and then again. */
  readonly few: number;
  readonly many: number;
  readonly brokers: number;
}

interface Figures {
  /** Seconds from the first announcement until every broker knows every server. */
  readonly known: number;
  /** Of the bus: what servers and brokers sent and got meanwhile. */
  readonly messages: number;
  readonly megabytes: number;
  /** Kilobytes of the heap of one broker. */
  readonly memory: number;
  /** Seconds from the return of an emptied bus and of the introducer until every broker has heard of every server. */
  readonly rejoined: number;
  /** Milliseconds in which the servers of one file are chosen. */
  readonly placement: number;
}

const grid = 'bench';
const announcersAtOnce = 64;
const mostPlacement = 5;
/** Of what grows with the servers; a little more than they do is near enough. */
const mostGrowth = 1.1;

/**
 * A grid of very many storage servers: how long until all brokers know all of them, what it costs, and how it grows.
 *
 * @returns how many aims were missed
 */
export async function measureMembership({ few, many, brokers }: MembershipBenchSize): Promise<number> {
  const [first, second] = [await measure(few, brokers), await measure(many, brokers)];
  const missed: string[] = [];
  const row = (name: keyof Figures, unit: string, grows = true) => {
    const growth = second[name] / first[name];
    if (grows && growth > (mostGrowth * many) / few) missed.push(name);
    return [`${name}, ${unit}`, figure(first[name]), figure(second[name]), `${figure(growth)}×`];
  };
  printTable(`Membership: servers announced through one introducer to ${brokers} brokers`, [
    ['', `${few} servers`, `${many} servers`, `growth (aim ${many / few}×)`],
    row('known', 's until all know all'),
    row('messages', 'sent and received'),
    row('megabytes', 'sent and received'),
    row('memory', 'kB a broker'),
    row('rejoined', 's after introducer and bus came back empty'),
    row('placement', `ms for one file (aim ${mostPlacement})`, false),
  ]);
  if (second.placement > mostPlacement) missed.push('placement');
  return missed.length;
}

async function measure(servers: number, brokers: number): Promise<Figures> {
  await using folder = await temporaryFolder('membership');
  await using postgres = await startPostgres();
  const { url: database } = await createDatabase(postgres.url, 'introducer');
  let nats = await startNats();
  const introducer = await makeIntroducer(join(folder.path, 'introducer'), database, nats.url);
  let running = await introducer();
  const child = fork(join(import.meta.dirname, 'listeners-main.js'), [nats.url, grid, String(brokers)], {
    execArgv: ['--expose-gc'],
  });
  const bus = new Bus({ url: nats.url, name: 'servers', logger: silentLogger() });
  try {
    await told(child, 'listening');
    await waitFor('the bus is connected', () => bus.connected || undefined);
    const announcements = await signed(servers);
    const before = await figures(child);
    const started = performance.now();
    const know = told(child, 'know');
    order(child, { order: 'expect', servers });
    await throughput(servers, announcersAtOnce, (index) =>
      bus.ask(announcementSubjects(grid).announce, announcements[index] as SignedAnnouncement, 60_000),
    );
    await know;
    const known = (performance.now() - started) / 1000;
    const after = await figures(child);
    const { messages, bytes } = bus.traffic;

    await running.stop();
    const { port } = nats;
    await nats[Symbol.asyncDispose]();
    const again = told(child, 'know');
    order(child, { order: 'expect', servers });
    nats = await startNats({ port });
    running = await introducer();
    const back = performance.now();
    await again;
    return {
      known,
      messages: after.messages - before.messages + messages,
      megabytes: (after.bytes - before.bytes + bytes) / 1e6,
      memory: (after.heap - before.heap) / 1000 / brokers,
      rejoined: (performance.now() - back) / 1000,
      placement: placementTime(servers),
    };
  } finally {
    child.kill();
    await bus.close();
    await running.stop();
    await nats[Symbol.asyncDispose]();
  }
}

/** An introducer as an operator runs it; gives what starts it. */
async function makeIntroducer(dir: string, postgres: string, bus: string) {
  const operator = `127.0.0.1:${await freePort()}`;
  await initialise(dir, { nickname: 'introducer', grid, postgres, bus, operator });
  return async () => {
    const args = [holdfastProgram, 'run', dir];
    const log = `${dir}.log`;
    const command = process.execPath;
    const running = await startGuarded({ name: 'introducer', command, args, log, stopSignal: 'SIGTERM' });
    await untilReady('the introducer', running, async () => {
      const answer = await fetch(`http://${operator}/readyz`);
      if (!answer.ok) throw new Error(await answer.text());
    });
    return running;
  };
}

/** Announcements of so many servers. They may share a certificate, which nobody looks at here. */
async function signed(count: number): Promise<SignedAnnouncement[]> {
  const tls = parseNodePem(await generateNodePem());
  return Array.from({ length: count }, (_, index) => {
    const signingKey = parseSigningKey(generateSigningKey());
    const serverId = publicKeyText(signingKey);
    const identity = { serverId, signingKey, publicKey: createPublicKey(signingKey), tls };
    const locations = [{ host: '10.0.0.1', port: 7201 }];
    const swissnum = randomBytes(20).toString('hex');
    const fields = { identity, nickname: `s${index}`, seqnum: Date.now(), locations, swissnum, version: '1' };
    return signAnnouncement(buildStorageAnnouncement(fields), identity);
  });
}

/** As for an upload of 3-of-10: all servers are ordered, and the shares placed on the first. */
function placementTime(servers: number): number {
  const all = Array.from({ length: servers }, (_, index) => ({ id: `s${index}`, seed: randomBytes(32) }));
  const times = Array.from({ length: 200 }, () => {
    const index = randomBytes(16);
    const started = performance.now();
    const ordered = permutedServerOrder(index, all, ({ seed }) => seed);
    const candidates = ordered
      .slice(0, 20)
      .map(({ id }) => ({ id, writable: true, holds: new Set<number>() }));
    placeShares(candidates, 10);
    return performance.now() - started;
  });
  return median(times);
}

function order(child: ChildProcess, what: Order): void {
  child.send(what);
}

async function figures(child: ChildProcess) {
  const report = told(child, 'figures');
  order(child, { order: 'report' });
  return report;
}

/** The next report of a kind. */
function told<Kind extends Report['report']>(
  child: ChildProcess,
  kind: Kind,
): Promise<Extract<Report, { report: Kind }>> {
  return new Promise((resolve, reject) => {
    const hear = (report: Report) => {
      if (report.report !== kind) return;
      child.off('message', hear).off('exit', ended);
      resolve(report as Extract<Report, { report: Kind }>);
    };
    const ended = () => reject(new Error('the process that plays the brokers ended'));
    child.on('message', hear).once('exit', ended);
  });
}
