import { type Candidate, placeShares } from '@holdfast/grid';
import {
  type FileHealth,
  isRepairWorthwhile,
  jobsToAdmit,
  type RepairThreshold,
  spareShares,
  timeToNextCheck,
  timeToSpreadCheck,
} from '@holdfast/repairer';
import { CheckCalendar } from './check-calendar.js';
import { FileTable } from './file-table.js';
import { ModelledGridView } from './modelled-grid-view.js';
import { ModelledServers, type ServerTroubles } from './modelled-servers.js';
import { RiskQueue } from './risk-queue.js';
import { SeededChance } from './seeded-chance.js';
import { day, hour, minute } from './times.js';

/** What is simulated. Times in milliseconds. */
export interface Scenario {
  readonly files: number;
  readonly servers: number;
  readonly duration: number;
  readonly seed: number;
  readonly troubles: ServerTroubles;
  /** Of the watch. */
  readonly needed: number;
  readonly total: number;
  readonly threshold: RepairThreshold;
  readonly period: number;
  readonly grace: number;
  /** Files that all workers together can repair in an hour. */
  readonly repairsPerHour: number;
}

/** What came of it. */
export interface Outcome {
  /** Files of which fewer shares than needed are left on all servers that were not lost. */
  readonly lost: number;
  /** The fewest spare shares that any file that was not lost came down to, on servers that were not lost. */
  readonly leastSpare: number;
  readonly checks: number;
  readonly mostChecksPerHour: number;
  readonly repairs: number;
  readonly mostRepairsPerDay: number;
  /** Most files that waited for their repair at once. */
  readonly mostWaiting: number;
  readonly sharesRead: number;
  readonly sharesWritten: number;
  /** Of these, replacements of shares that were not lost but away for longer than the grace time, or struck off. */
  readonly needlesslyWritten: number;
  readonly serversLost: number;
  readonly outages: number;
  readonly givenUp: number;
  /** Milliseconds for which the network was suspected. */
  readonly suspected: number;
  /** Repairs in that time. */
  readonly repairsWhileSuspected: number;
}

const tickLength = 10 * minute;
const ticksPerHour = hour / tickLength;
/** Jobs of the watch that wait in the queue at once, as the service has it where nothing else is configured. */
const backlog = 1000;
/** Ticks for which the outcome of a check counts as evidence on the network. */
const window = 2;

/** Runs a scenario: decisions and placement are those of the service, and the servers are modelled. */
export class Simulation {
  readonly #scenario: Scenario;
  readonly #chance: SeededChance;
  readonly #servers: ModelledServers;
  readonly #view: ModelledGridView;
  readonly #files: FileTable;
  readonly #calendar: CheckCalendar;
  /** Files whose repair is worthwhile, on record. */
  readonly #wanted: RiskQueue;
  /** Jobs. */
  readonly #queue: RiskQueue;
  readonly #names: string[];
  readonly #recentChecks = Array.from({ length: window }, () => ({ checks: 0, failedChecks: 0 }));
  #tick = 0;
  #lost = 0;
  #leastSpare: number;
  #checks = 0;
  #repairs = 0;
  #sharesRead = 0;
  #sharesWritten = 0;
  #needlesslyWritten = 0;
  #mostWaiting = 0;

  constructor(scenario: Scenario) {
    const { files, servers, duration, total, needed, period, grace, troubles, seed } = scenario;
    this.#scenario = scenario;
    this.#chance = new SeededChance(seed);
    this.#servers = new ModelledServers(servers, duration, troubles, this.#chance);
    this.#view = new ModelledGridView(this.#servers, grace);
    this.#files = new FileTable(files, total);
    this.#calendar = new CheckCalendar(files, Math.ceil((1.1 * period) / tickLength));
    this.#wanted = new RiskQueue(total - needed);
    this.#queue = new RiskQueue(total - needed);
    this.#names = Array.from(this.#servers.alive, (_, server) => String(server));
    this.#leastSpare = total - needed;
  }

  /** @param onDay is told, after each simulated day, how many have passed */
  run(onDay: (days: number) => void = () => {}): Outcome {
    const { duration, servers } = this.#scenario;
    this.#files.scatter(servers, this.#chance);
    for (let file = 0; file < this.#files.count; file++)
      this.#schedule(file, this.#wholeFile(), timeToSpreadCheck);

    let mostChecksPerHour = 0;
    let mostRepairsPerDay = 0;
    let suspected = 0;
    let repairsWhileSuspected = 0;
    let checksBefore = 0;
    let repairsBefore = 0;
    const ticks = Math.floor(duration / tickLength);
    for (this.#tick = 1; this.#tick <= ticks; this.#tick++) {
      this.#servers.advance(this.#tick * tickLength);
      for (const server of this.#view.look(tickLength, this.#evidence())) this.#giveUp(server);
      this.#check();
      this.#admit();
      const before = this.#repairs;
      this.#work();
      if (this.#view.network.suspected) {
        suspected += tickLength;
        repairsWhileSuspected += this.#repairs - before;
      }
      if (this.#tick % ticksPerHour === 0) {
        mostChecksPerHour = Math.max(mostChecksPerHour, this.#checks - checksBefore);
        checksBefore = this.#checks;
      }
      if (this.#tick % (day / tickLength) !== 0) continue;
      mostRepairsPerDay = Math.max(mostRepairsPerDay, this.#repairs - repairsBefore);
      repairsBefore = this.#repairs;
      onDay(this.#tick / (day / tickLength));
    }
    for (let file = 0; file < this.#files.count; file++) this.#countLosses(file);
    const { alive, count, outages } = this.#servers;
    return {
      lost: this.#lost,
      leastSpare: this.#leastSpare,
      checks: this.#checks,
      mostChecksPerHour,
      repairs: this.#repairs,
      mostRepairsPerDay,
      mostWaiting: this.#mostWaiting,
      sharesRead: this.#sharesRead,
      sharesWritten: this.#sharesWritten,
      needlesslyWritten: this.#needlesslyWritten,
      serversLost: alive.subarray(0, count).reduce((lost, isAlive) => lost + (isAlive ? 0 : 1), 0),
      outages,
      givenUp: this.#view.givenUp,
      suspected,
      repairsWhileSuspected,
    };
  }

  #wholeFile(): FileHealth {
    const { needed, total } = this.#scenario;
    return { needed, expected: total, readable: total, lasting: total, servers: total };
  }

  #evidence(): { checks: number; failedChecks: number } {
    return this.#recentChecks.reduce((sum, { checks, failedChecks }) => ({
      checks: sum.checks + checks,
      failedChecks: sum.failedChecks + failedChecks,
    }));
  }

  #schedule(file: number, health: FileHealth, rule: typeof timeToNextCheck): void {
    const time = rule(health, this.#scenario.period, this.#chance.next());
    this.#calendar.set(file, this.#tick + Math.max(1, Math.round(time / tickLength)));
  }

  /** The checks that are due, as workers do them and record their results. */
  #check(): void {
    const recent = { checks: 0, failedChecks: 0 };
    for (
      let file = this.#calendar.take(this.#tick);
      file !== undefined;
      file = this.#calendar.take(this.#tick)
    ) {
      recent.checks++;
      if (2 * this.#files.sharesOn(file, this.#servers.reached) < this.#files.total) recent.failedChecks++;
      const health = this.#lookAt(file);
      this.#countLosses(file);
      this.#want(file, health);
      this.#schedule(file, health, timeToNextCheck);
    }
    this.#checks += recent.checks;
    this.#recentChecks.shift();
    this.#recentChecks.push(recent);
  }

  /** A file's health, from what its servers answer and what was on record for those that do not. */
  #lookAt(file: number): FileHealth {
    const { total } = this.#files;
    const { reached } = this.#servers;
    for (let share = 0; share < total; share++) {
      const server = this.#files.holder(file, share);
      if (reached[server]) this.#files.record(file, share, server);
      else if (this.#view.gone[server]) this.#files.strike(file, share);
    }
    return this.#healthOnRecord(file);
  }

  /** Each share of the model is on one server, so servers of happiness are different servers. */
  #healthOnRecord(file: number): FileHealth {
    const { needed, total } = this.#scenario;
    const { reached } = this.#servers;
    let readable = 0;
    let lasting = 0;
    let servers = 0;
    for (let share = 0; share < total; share++) {
      const server = this.#files.holder(file, share);
      if (!this.#files.isRecorded(file, share)) continue;
      if (reached[server]) readable++;
      if (!this.#view.lasting[server]) continue;
      lasting++;
      let earlier = 0;
      while (
        earlier < share &&
        !(this.#files.isRecorded(file, earlier) && this.#files.holder(file, earlier) === server)
      )
        earlier++;
      if (earlier === share) servers++;
    }
    return { needed, expected: total, readable, lasting, servers };
  }

  #want(file: number, health: FileHealth): void {
    if (this.#files.isWanted(file) || this.#files.isLost(file)) return;
    if (!isRepairWorthwhile(health, this.#scenario.threshold, this.#view.active.length)) return;
    this.#files.setWanted(file, true);
    this.#wanted.add(file, spareShares(health));
  }

  /** Strikes the shares of a server off the record, and thinks again about their files. */
  #giveUp(server: number): void {
    const { holders, total } = this.#files;
    for (let at = holders.indexOf(server); at >= 0; at = holders.indexOf(server, at + 1)) {
      const file = Math.floor(at / total);
      if (!this.#files.isRecorded(file, at % total)) continue;
      this.#files.strike(file, at % total);
      const health = this.#healthOnRecord(file);
      this.#want(file, health);
      const before = this.#calendar.dueAt(file);
      const time = timeToSpreadCheck(health, this.#scenario.period, this.#chance.next());
      const sooner = this.#tick + Math.max(1, Math.round(time / tickLength));
      if (sooner < before) this.#calendar.set(file, sooner);
    }
  }

  #admit(): void {
    this.#mostWaiting = Math.max(this.#mostWaiting, this.#wanted.length + this.#queue.length);
    const { suspected } = this.#view.network;
    for (
      let room = jobsToAdmit({ suspected, backlog, waiting: this.#queue.length });
      room > 0 && this.#wanted.length > 0;
      room--
    ) {
      const file = this.#wanted.take() as number;
      this.#queue.add(file, spareShares(this.#healthOnRecord(file)));
    }
  }

  /** What the workers get done in a tick. The queue is filled up meanwhile. */
  #work(): void {
    if (this.#view.network.suspected) return;
    const { repairsPerHour } = this.#scenario;
    const sofar = (tick: number) => Math.floor((tick * repairsPerHour) / ticksPerHour);
    for (let left = sofar(this.#tick) - sofar(this.#tick - 1); left > 0 && this.#queue.length > 0; ) {
      const file = this.#queue.take() as number;
      this.#files.setWanted(file, false);
      if (this.#repair(file)) left--;
      if (this.#queue.length < backlog / 2) this.#admit();
    }
  }

  /** @returns whether there was anything to repair: most of what was asked for while servers were away is not */
  #repair(file: number): boolean {
    const { needed, threshold, total } = this.#scenario;
    const health = this.#lookAt(file);
    this.#countLosses(file);
    if (health.readable < needed) return false;
    if (!isRepairWorthwhile(health, threshold, this.#view.active.length)) return false;
    const { uploads } = placeShares(this.#candidates(file), total);
    for (const [share, name] of uploads) {
      const before = this.#files.holder(file, share);
      if (this.#servers.alive[before]) this.#needlesslyWritten++;
      this.#files.record(file, share, Number(name));
    }
    this.#repairs++;
    this.#sharesRead += uploads.size > 0 ? needed : 0;
    this.#sharesWritten += uploads.size;
    this.#schedule(file, this.#healthOnRecord(file), timeToNextCheck);
    return true;
  }

  /** The servers that hold shares of a file and answer, and as many others as it has shares, in an order of its own. */
  #candidates(file: number): Candidate[] {
    const { active } = this.#view;
    const { total } = this.#files;
    const holds = new Map<number, Set<number>>();
    for (let share = 0; share < total; share++) {
      const server = this.#files.holder(file, share);
      if (!this.#servers.reached[server]) continue;
      const shares = holds.get(server) ?? new Set();
      holds.set(server, shares.add(share));
    }
    for (const most = Math.min(active.length, holds.size + total); holds.size < most; ) {
      const server = active[this.#chance.below(active.length)] as number;
      if (!holds.has(server)) holds.set(server, new Set());
    }
    return [...holds].map(([server, shares]) => ({
      id: this.#names[server] as string,
      writable: true,
      holds: shares,
    }));
  }

  #countLosses(file: number): void {
    if (this.#files.isLost(file)) return;
    const spare = this.#files.sharesOn(file, this.#servers.alive) - this.#scenario.needed;
    if (spare >= 0) {
      this.#leastSpare = Math.min(this.#leastSpare, spare);
      return;
    }
    this.#files.setLost(file);
    this.#lost++;
  }
}
