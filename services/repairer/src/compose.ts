import { resolve } from 'node:path';
import { Bus } from '@holdfast/common/bus';
import { urlWithPassword } from '@holdfast/common/configuration';
import { type Database, openDatabase, openPool } from '@holdfast/common/database';
import type { Lifecycle } from '@holdfast/common/lifecycle';
import { type Logger, Seldom } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { openOperatorPort } from '@holdfast/common/operator-port';
import { CodingThread, FileCare, TransferMemory } from '@holdfast/grid';
import { Membership } from '@holdfast/membership';
import type { RepairerConfiguration } from './configuration.js';
import { countRepairs } from './metrics.js';
import { migrateRepairer } from './migrations/index.js';
import type { RetryTerms } from './queue/end-claim.js';
import { StatusCache } from './queue/status-cache.js';
import { Bandwidth } from './restraint/bandwidth.js';
import { ConnectingPause } from './restraint/connecting.js';
import { limitRequests } from './restraint/limit-requests.js';
import { pausedNow } from './restraint/pause.js';
import { QuietHoursPause } from './restraint/quiet-hours.js';
import { SpoolFolder } from './spool/spool-folder.js';
import { ReturningServers } from './upkeep/returning-servers.js';
import { restedFor, Upkeep } from './upkeep/upkeep.js';
import { answerWatch } from './watch/answer-watch.js';
import { composeWatch } from './watch/compose-watch.js';
import { answerBus } from './ways-in/answer-bus.js';
import { shownPause } from './ways-in/shown-pause.js';
import { attemptJob } from './worker/attempt-job.js';
import { tellOutcome } from './worker/tell-outcome.js';
import { openWakeUps, sayWake } from './worker/wake-ups.js';
import { Worker } from './worker/worker.js';

const longestRetryPause = 60 * 60_000;

/** Builds a repairer from its folder's settings, part by part; each stops with the lifecycle. */
export async function compose(
  dir: string,
  configuration: RepairerConfiguration,
  logger: Logger,
  lifecycle: Lifecycle,
): Promise<void> {
  const { nickname, grid, limits, claim: claimFor, sweep: sweepEvery } = configuration;
  const name = `repairer ${nickname}`;
  const registry = createRegistry({ service: 'repairer', nickname });
  const membership = await Membership.open({
    ...{ dir, configuration, logger, registry },
    clientName: 'repairer',
  });
  const busSettings = await membership.ownBus();
  const postgres = await urlWithPassword(dir, 'postgres', configuration.postgres);

  let opened: Database | undefined;
  const operator = await openOperatorPort({
    listen: configuration.operator.listen,
    registry,
    checks: {
      database: () => (opened ? (opened.problem ?? true) : 'Postgres has not answered yet'),
      servers: () => membership.readiness(),
    },
  });
  lifecycle.add('operator port', operator.close);

  const access = { url: postgres, applicationName: name, logger, longestIdle: 60_000 };
  const database = await openDatabase({ ...access, connections: 7, signal: lifecycle.signal });
  lifecycle.add('database', database.close);
  // One that claims, one that ends, and one that holds claims.
  const claims = openPool({ ...access, connections: 3, planning: 'by-keys' });
  lifecycle.add('claims', claims.close);
  await migrateRepairer(database, logger, lifecycle.signal);
  await membership.join({ database, lifecycle });
  opened = database;

  const bus = new Bus({ ...busSettings, name, logger });
  lifecycle.add('bus', () => bus.close());
  const wakeUps = openWakeUps({ bus, grid, logger, claimFor });
  lifecycle.add('wake-ups', () => wakeUps.close());
  const statuses = new StatusCache(database, grid);
  const status = () => statuses.get();

  const coding = new CodingThread();
  lifecycle.add('coding', () => coding.close());
  const files = new FileCare({
    servers: limitRequests(membership.servers, limits.requests_per_server),
    memory: new TransferMemory(limits.memory, { receives: false }),
    coding,
    logger,
  });
  const returning = new ReturningServers(() => membership.statuses());
  // Of one that did not answer: it was started again meanwhile, or is about to be found away.
  const isThere = (server: string) =>
    membership.statuses().some(({ id, state }) => id === server && state === 'connected');
  const bandwidth = limits.bandwidth === undefined ? undefined : new Bandwidth(limits.bandwidth);
  const connecting = new ConnectingPause(() => membership.statuses());
  const watch = composeWatch({
    ...{ database, grid, logger, bus, registry, files, connecting },
    countBytes: (bytes) => void bandwidth?.take(bytes),
    name: nickname,
    settings: configuration.watch,
    servers: membership.servers,
  });
  const pauses = [connecting, ...watch.pauses, new QuietHoursPause(configuration.quiet_hours)];
  const retry: RetryTerms = {
    attempts: limits.attempts,
    firstPause: configuration.retry_after,
    longestPause: Math.max(longestRetryPause, configuration.retry_after),
    unrecoverablePause: configuration.recheck_unrecoverable,
    postponedPause: Math.min(Math.max(configuration.watch.grace / 4, 1_000), 60_000),
  };
  const count = countRepairs({ registry, status, working: () => worker.working, pauses });
  const seldom = new Seldom();
  const worker = new Worker({
    claims,
    grid,
    name: nickname,
    logger,
    wakeUps,
    jobs: limits.jobs,
    claimFor,
    sweepEvery,
    retry,
    pauses,
    attempt: (job, signal) =>
      attemptJob(job, signal, {
        files,
        logger,
        pace: bandwidth && ((bytes) => bandwidth.pace(bytes, signal)),
        mayChangeSoon: (began, { serversFailed }) =>
          returning.since(began) || watch.isCutOff || serversFailed.some(({ serverId }) => isThere(serverId)),
        soon: restedFor,
        worthwhile: ({ onlyIfWorthwhile }) => (onlyIfWorthwhile ? watch.isStillWorthwhile : undefined),
        patience: (job) => watch.patienceFor(job),
        onChecked: watch.noteResults,
      }),
    onEnd: (ended) => {
      count(ended);
      tellOutcome({ bus, grid, logger, seldom }, ended);
    },
  });
  const upkeep = new Upkeep({
    bus,
    database,
    grid,
    logger,
    returning,
    sweepEvery,
    attempts: limits.attempts,
    keepHistory: configuration.keep_history,
  });
  upkeep.start();
  lifecycle.add('upkeep', () => upkeep.stop());
  const spool = new SpoolFolder({
    dir: resolve(dir, configuration.spool.path),
    database,
    grid,
    logger,
    stableFor: configuration.spool.stable_for,
    claimFor,
    onAdded: (jobs) => sayWake(bus, grid, jobs),
  });
  await spool.start();
  lifecycle.add('spool folder', () => spool.stop());
  await watch.start();
  lifecycle.add('watch', () => watch.stop());
  lifecycle.add('answers on the watch', answerWatch({ bus, database, grid, logger, status: watch.status }));
  worker.start();
  lifecycle.add('worker', () => worker.stop());
  lifecycle.add(
    'answers',
    answerBus({
      ...{ bus, database, grid, logger, status },
      alarm: () => watch.alarm,
      watched: async () => (await watch.status()).files,
      paused: () => shownPause(nickname, pausedNow(pauses)),
    }),
  );
  logger.info({ jobs: limits.jobs }, 'taking jobs');
}
