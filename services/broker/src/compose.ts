import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AnnouncementSubscriber } from '@holdfast/common/announcements';
import { Bus } from '@holdfast/common/bus';
import { readYamlConfiguration, urlWithPassword } from '@holdfast/common/configuration';
import { migrate, openDatabase } from '@holdfast/common/database';
import { Vouching } from '@holdfast/common/grid-management';
import { readPrivateSecret } from '@holdfast/common/identity';
import type { Lifecycle } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { openOperatorPort } from '@holdfast/common/operator-port';
import { CodingThread, Grid, ServerSet, TransferMemory } from '@holdfast/grid';
import type { NodeConfiguration } from './configuration.js';
import { connectionsConfiguration } from './connections.js';
import { migrations } from './migrations.js';
import { AnnouncementCache } from './servers/announcement-cache.js';
import { KnownServers } from './servers/known-servers.js';
import { readPageFiles } from './web/page-files.js';
import { openWebServer } from './web/server.js';

/** The name of the one introducer there is so far: whoever answers on the bus of `node.yaml`. */
const introducer = 'default';

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
  const connections = await readYamlConfiguration(join(dir, 'connections.yaml'), connectionsConfiguration);
  const leaseSecret = await readPrivateSecret(dir, 'secret');
  const convergenceSecret = await readPrivateSecret(dir, 'convergence');
  const postgres = await urlWithPassword(dir, 'postgres', configuration.postgres);
  const busUrl = await urlWithPassword(dir, 'bus', configuration.bus);
  const spoolDir = resolve(dir, configuration.spool);
  await mkdir(spoolDir, { recursive: true, mode: 0o700 });
  const page = await readPageFiles(join(import.meta.dirname, 'page'));
  const registry = createRegistry({ service: 'broker', nickname });

  const gridManagers = configuration.grid_managers;
  const vouching = new Vouching(Object.values(gridManagers));
  const servers = new ServerSet({ leaseSecret, logger, registry, vouching });
  const waiting: Waiting = { database: 'waiting for Postgres', web: 'not started' };
  const operator = await openOperatorPort({
    listen: configuration.operator.listen,
    registry,
    checks: {
      database: () => waiting.database,
      servers: () =>
        servers.statuses().some(({ state }) => state === 'connected') || 'no storage server connected',
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
  await migrate(database, { schema: 'broker', migrations, logger });
  waiting.database = true;

  lifecycle.add('server set', () => servers.close());
  const known = new KnownServers(servers);
  known.name(connections.servers);
  const cache = new AnnouncementCache({ database, grid: gridName, logger });
  lifecycle.add('announcement cache', () => cache.close());
  for (const heard of await cache.load()) known.hear(heard);

  const bus = new Bus({ url: busUrl, name: `broker ${nickname}`, logger });
  lifecycle.add('bus', () => bus.close());
  const subscriber = new AnnouncementSubscriber({
    bus,
    grid: gridName,
    logger,
    onAnnouncement: (announcement) => {
      const heard = { introducer, announcement };
      if (known.hear(heard)) cache.remember(heard);
    },
  });
  lifecycle.add('announcement subscriber', subscriber.start());

  const coding = new CodingThread();
  lifecycle.add('coding', () => coding.close());
  const grid = new Grid({
    servers,
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
      introducers: [{ name: introducer, address: new URL(busUrl).host, connected: bus.connected }],
      gridManagers: Object.keys(gridManagers),
      servers: servers.statuses(),
    }),
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
