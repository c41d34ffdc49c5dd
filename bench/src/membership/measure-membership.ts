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
import { createNodeFolder } from '@holdfast/common/configuration';
import {
  generateNodePem,
  generateSigningKey,
  newSecretFile,
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
import type { BrokerReport, Order, Report } from './listeners.js';

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
  /** Kilobytes that the heap of one whole broker has grown by, when it has dialled every server; none answers. */
  readonly memory: number;
  /** Megabytes that its process has. */
  readonly resident: number;
  /** Milliseconds of the longest time for which its event loop stood while it heard of the servers and dialled them. */
  readonly stood: number;
  /** Seconds from the return of an emptied bus, when the introducer is started, until every broker has heard of all. */
  readonly rejoined: number;
  /** Seconds until a broker that starts knows every server from its cache. */
  readonly started: number;
  /** Milliseconds of the longest time for which its event loop stood meanwhile. */
  readonly startStood: number;
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
  const row = (name: keyof Figures, title: string, grows = true) => {
    const growth = second[name] / first[name];
    if (grows && growth > (mostGrowth * many) / few) missed.push(name);
    return [title, figure(first[name]), figure(second[name]), `${figure(growth)}×`];
  };
  printTable(
    `Membership: servers announced through one introducer to ${brokers} brokers, and one whole broker`,
    [
      ['', `${few} servers`, `${many} servers`, `growth (aim ${many / few}×)`],
      row('known', 'until all know all, s'),
      row('messages', 'messages to and from servers and the brokers'),
      row('megabytes', 'the same in MB'),
      row('rejoined', 'until all know all after the bus was back, empty, and the introducer started, s'),
      ['the whole broker, which dials every server, of which none answers:'],
      row('memory', 'heap that it took for them, kB'),
      row('resident', 'its process, MB', false),
      row('stood', 'its event loop stood for at most, ms', false),
      row('started', 'started again, until it knows all from its cache, s'),
      row('startStood', 'its event loop stood for at most meanwhile, ms', false),
      row('placement', `placement of one file, ms (aim ${mostPlacement})`, false),
    ],
  );
  if (second.placement > mostPlacement) missed.push('placement');
  return missed.length;
}

async function measure(servers: number, brokers: number): Promise<Figures> {
  await using folder = await temporaryFolder('membership');
  await using postgres = await startPostgres();
  const { url: database } = await createDatabase(postgres.url, 'introducer');
  const { url: cache } = await createDatabase(postgres.url, 'broker');
  let nats = await startNats();
  const introducer = await makeIntroducer(join(folder.path, 'introducer'), database, nats.url);
  let running = await introducer();
  const child = play('listeners-main.js', [nats.url, grid, String(brokers)]);
  const dir = join(folder.path, 'broker');
  await createNodeFolder(dir, { yaml: { 'connections.yaml': {} }, private: { secret: newSecretFile() } });
  const startWhole = () => play('whole-broker-main.js', [dir, cache, nats.url, grid]);
  let whole = startWhole();
  const bus = new Bus({ url: nats.url, name: 'servers', logger: silentLogger() });
  try {
    await Promise.all([
      told<Report, 'listening'>(child, 'listening'),
      told<BrokerReport, 'joined'>(whole, 'joined'),
    ]);
    await waitFor('the bus is connected', () => bus.connected || undefined);
    const announcements = await signed(servers);
    const [before, empty] = [await figures(child), await brokerFigures(whole)];
    const started = performance.now();
    const know = Promise.all([expectAll(child, servers), expectAll(whole, servers)]);
    await throughput(servers, announcersAtOnce, (index) =>
      bus.ask(announcementSubjects(grid).announce, announcements[index] as SignedAnnouncement, 60_000),
    );
    await know;
    const known = (performance.now() - started) / 1000;
    const after = await figures(child);
    const { messages, bytes } = bus.traffic;
    const full = await brokerFigures(whole);

    await running.stop();
    const { port } = nats;
    await nats[Symbol.asyncDispose]();
    const again = expectAll(child, servers);
    nats = await startNats({ port });
    const back = performance.now();
    running = await introducer();
    await again;
    const rejoined = (performance.now() - back) / 1000;

    whole.kill();
    whole = startWhole();
    const restarted = await told<BrokerReport, 'joined'>(whole, 'joined');
    if (restarted.servers !== servers) throw new Error(`the cache has ${restarted.servers} servers`);
    return {
      known,
      messages: after.messages - before.messages + messages,
      megabytes: (after.bytes - before.bytes + bytes) / 1e6,
      rejoined,
      memory: (full.heap - empty.heap) / 1000,
      resident: full.resident / 1e6,
      stood: full.stood,
      started: restarted.seconds,
      startStood: restarted.stood,
      placement: placementTime(servers),
    };
  } finally {
    child.kill();
    whole.kill();
    await bus.close();
    await running.stop();
    await nats[Symbol.asyncDispose]();
  }
}

function play(program: string, args: readonly string[]): ChildProcess {
  return fork(join(import.meta.dirname, program), args, { execArgv: ['--expose-gc'] });
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

/**
 * Announcements of so many servers, at a place where nobody answers. They may share a certificate, which nobody looks at
 * here.
 */
async function signed(count: number): Promise<SignedAnnouncement[]> {
  const tls = parseNodePem(await generateNodePem());
  return Array.from({ length: count }, (_, index) => {
    const signingKey = parseSigningKey(generateSigningKey());
    const serverId = publicKeyText(signingKey);
    const identity = { serverId, signingKey, publicKey: createPublicKey(signingKey), tls };
    const locations = [{ host: '127.0.0.1', port: 1 }];
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
  const report = told<Report, 'figures'>(child, 'figures');
  order(child, { order: 'report' });
  return report;
}

async function brokerFigures(child: ChildProcess) {
  const report = told<BrokerReport, 'broker'>(child, 'broker');
  order(child, { order: 'report' });
  return report;
}

async function expectAll(child: ChildProcess, servers: number): Promise<void> {
  const know = told<Report | BrokerReport, 'know'>(child, 'know');
  order(child, { order: 'expect', servers });
  await know;
}

/** The next report of a kind. */
function told<Any extends { readonly report: string }, Kind extends Any['report']>(
  child: ChildProcess,
  kind: Kind,
): Promise<Extract<Any, { report: Kind }>> {
  return new Promise((resolve, reject) => {
    const hear = (report: Any) => {
      if (report.report !== kind) return;
      child.off('message', hear).off('exit', ended);
      resolve(report as Extract<Any, { report: Kind }>);
    };
    const ended = () => reject(new Error('a process that plays brokers ended'));
    child.on('message', hear).once('exit', ended);
  });
}
