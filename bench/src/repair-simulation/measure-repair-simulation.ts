import { usualThreshold } from '@holdfast/repairer';
import { figure, printTable } from '../table.js';
import { type Outcome, type Scenario, Simulation } from './simulate.js';
import { day, hour, year } from './times.js';

/** What may be chosen of the simulation. */
export interface SimulationSize {
  readonly files: number;
  readonly servers: number;
  readonly years: number;
  /** Files of each million that all workers together can repair in an hour. */
  readonly repairsPerHour: number;
  readonly seed: number;
}

/** As large as the aim speaks of. */
export const fullSimulation: Omit<SimulationSize, 'seed'> = {
  files: 10_000_000,
  servers: 1000,
  years: 2,
  repairsPerHour: 200,
};

const flappingDays = 90;

/**
 * Two years of a large grid whose servers get lost and flap, by the watch's own decisions and the real placement; then
 * flapping alone, with and without a grace time.
 *
 * @returns how many aims were missed: that no file is lost, and that flapping causes no repairs to speak of
 */
export async function simulateRepair(size: SimulationSize): Promise<number> {
  const { files, servers, years, seed } = size;
  const started = performance.now();
  process.stdout.write(
    `\nSimulating ${count(files)} files on ${count(servers)} servers for ${years} years, seed ${seed}…\n`,
  );
  const scenario: Scenario = {
    files,
    servers,
    duration: years * year,
    seed,
    troubles: { yearlyLoss: 0.05, outageEvery: 5 * day, longOutageOneIn: 200, networkCuts: 4 },
    needed: 3,
    total: 10,
    threshold: usualThreshold(7),
    period: 30 * day,
    grace: 3 * day,
    repairsPerHour: (size.repairsPerHour * files) / 1e6,
  };
  const whole = new Simulation(scenario).run(reportEvery(years));
  printWhole(scenario, whole, years);

  // Shorter, and over fewer files: what it shows is a rate.
  const flapping: Scenario = {
    ...scenario,
    files: Math.ceil(files / 50),
    duration: flappingDays * day,
    troubles: {
      yearlyLoss: 0,
      outageEvery: 2 * day,
      longOutageOneIn: Number.POSITIVE_INFINITY,
      networkCuts: 0,
    },
    repairsPerHour: Number.MAX_SAFE_INTEGER,
  };
  const patient = new Simulation(flapping).run();
  const impatient = new Simulation({ ...flapping, grace: 0 }).run();
  printFlapping(flapping, patient, impatient);
  const { maxRSS } = process.resourceUsage();
  process.stdout.write(
    `  ${figure((performance.now() - started) / 1000)} s in all, ${figure(maxRSS / 1e6)} GB of memory at most\n`,
  );
  return (whole.lost > 0 ? 1 : 0) + (patient.repairs * 100 > impatient.repairs ? 1 : 0);
}

function printWhole({ files, total, repairsPerHour }: Scenario, outcome: Outcome, years: number): void {
  const stored = files * total * years;
  const yearly = (shares: number) => figure(shares / stored);
  const { repairs } = outcome;
  const hours = years * (year / hour);
  printTable(`Repair over ${years} years: 3-of-10, 5% of servers lost a year, and all of them flapping`, [
    ['files lost (aim 0)', count(outcome.lost)],
    ['fewest spare shares of any other file', count(outcome.leastSpare)],
    ['servers lost for good', count(outcome.serversLost)],
    ['outages of servers', count(outcome.outages)],
    ['servers given up, most to come back', count(outcome.givenUp)],
    ['repair capacity given, files per hour', count(repairsPerHour)],
    ['  used, on average', `${figure((100 * repairs) / (repairsPerHour * hours))}%`],
    ['  files repaired', count(repairs)],
    ['  most on one day', count(outcome.mostRepairsPerDay)],
    ['  most waiting at once', count(outcome.mostWaiting)],
    ['checks per second', figure(outcome.checks / (hours * 3600))],
    ['  in the busiest hour', figure(outcome.mostChecksPerHour / 3600)],
    ['repair traffic per stored byte and year', yearly(outcome.sharesRead + outcome.sharesWritten)],
    ['  read', yearly(outcome.sharesRead)],
    ['  written', yearly(outcome.sharesWritten)],
    ['  of it for shares that were not lost', yearly(outcome.needlesslyWritten)],
    ['hours in which the network was suspected', figure(outcome.suspected / hour)],
    ['  files repaired meanwhile', count(outcome.repairsWhileSuspected)],
  ]);
}

function printFlapping({ files }: Scenario, patient: Outcome, impatient: Outcome): void {
  const row = (name: string, of: (outcome: Outcome) => number) => [
    name,
    count(of(patient)),
    count(of(impatient)),
  ];
  printTable(
    `Flapping alone: ${count(files)} files for ${flappingDays} days, no server lost, each away every other day`,
    [
      ['', 'with 3 days of grace', 'without'],
      row('outages', ({ outages }) => outages),
      row('files repaired', ({ repairs }) => repairs),
      row('  most on one day', ({ mostRepairsPerDay }) => mostRepairsPerDay),
      row('shares written', ({ sharesWritten }) => sharesWritten),
    ],
  );
}

function reportEvery(years: number): (days: number) => void {
  const step = Math.ceil((years * 365) / 8);
  return (days) => {
    if (days % step === 0) process.stdout.write(`  day ${days}\n`);
  };
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}
