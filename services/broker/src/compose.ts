import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { urlWithPassword } from '@holdfast/common/configuration';
import { openDatabase } from '@holdfast/common/database';
import { readPrivateSecret } from '@holdfast/common/identity';
import type { Lifecycle } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { openOperatorPort } from '@holdfast/common/operator-port';
import { CodingThread, Grid, TransferMemory } from '@holdfast/grid';
import { Membership } from '@holdfast/membership';
import type { NodeConfiguration } from './configuration.js';
import { Repairers } from './repairs/repairers.js';
import { readPageFiles } from './web/page-files.js';
import { openWebServer } from './web/server.js';

/** What of a broker is fit to serve, for `/readyz`. */
type Waiting = { database: true | string; web: true | string };

/** Builds a broker from its folder's settings, part by part; each stops with the lifecycle. */
export async function compose(
  dir: string,
  configuration: NodeConfiguration,
  logger: Logger,
  lifecycle: Lifecycle,
): Promise<void> {
  const { nickname, grid: gridName, encoding } = configuration;
  const registry = createRegistry({ service: 'broker', nickname });
  const membership = await Membership.open({
    ...{ dir, configuration, logger, registry },
    clientName: 'broker',
  });
  const convergenceSecret = await readPrivateSecret(dir, 'convergence');
  const postgres = await urlWithPassword(dir, 'postgres', configuration.postgres);
  const spoolDir = resolve(dir, configuration.spool);
  await mkdir(spoolDir, { recursive: true, mode: 0o700 });
  const page = await readPageFiles(join(import.meta.dirname, 'page'));

  const waiting: Waiting = { database: 'waiting for Postgres', web: 'not started' };
  const operator = await openOperatorPort({
    listen: configuration.operator.listen,
    registry,
    checks: {
      database: () => waiting.database,
      servers: () => membership.readiness(),
      web: () => waiting.web,
    },
  });
  lifecycle.add('operator port', operator.close);

  const database = await openDatabase({
    url: postgres,
    applicationName: `broker ${nickname}`,
    logger,
    signal: lifecycle.signal,
  });
  lifecycle.add('database', database.close);
  await membership.join({ database, lifecycle });
  waiting.database = true;

  const coding = new CodingThread();
  lifecycle.add('coding', () => coding.close());
  const grid = new Grid({
    servers: membership.servers,
    encoding: {
      required: encoding.required,
      happy: encoding.happy,
      total: encoding.total,
      maximumSegmentSize: encoding.maximum_segment_size,
    },
    convergenceSecret,
    spoolDir,
    memory: new TransferMemory(configuration.limits.memory),
    coding,
    logger,
  });
  const web = await openWebServer({
    listen: configuration.listen,
    grid,
    status: () => ({
      nickname,
      grid: gridName,
      encoding: { required: encoding.required, happy: encoding.happy, total: encoding.total },
      gridManagers: Object.keys(configuration.grid_managers),
      introducers: membership.introducers(),
      servers: membership.statuses(),
      refusedEdit: membership.refusedEdit,
    }),
    repairers: new Repairers(() => membership.sharedBus, gridName),
    page,
    limits: configuration.limits,
    logger,
    registry,
  });
  waiting.web = true;
  lifecycle.add('web API', () => {
    waiting.web = 'stopping';
    return web.close();
  });
  logger.info({ address: web.address.address, port: web.address.port }, 'serving the web API');
}
