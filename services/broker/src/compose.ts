import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { busAccess, ConfigurationError, urlWithPassword } from '@holdfast/common/configuration';
import { canReachBus, defaultConnectionTypes, noWayToBus, ownBusTypes } from '@holdfast/common/connections';
import { migrate, openDatabase } from '@holdfast/common/database';
import { Vouching } from '@holdfast/common/grid-management';
import { readPrivateSecret } from '@holdfast/common/identity';
import type { Lifecycle } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import { createRegistry, Gauge, type Registry } from '@holdfast/common/metrics';
import { openOperatorPort } from '@holdfast/common/operator-port';
import { CodingThread, Grid, ServerSet, TransferMemory } from '@holdfast/grid';
import type { NodeConfiguration } from './configuration.js';
import {
  anonymousConnectionsConfiguration,
  type ConnectionsConfiguration,
  connectionsConfiguration,
} from './connections.js';
import { ConnectionsFile } from './connections-file.js';
import { migrations } from './migrations.js';
import { AnnouncementCache } from './servers/announcement-cache.js';
import { Forgetting } from './servers/forgetting.js';
import { type IntroducerSettings, Introducers } from './servers/introducers.js';
import { KnownServers } from './servers/known-servers.js';
import { readPageFiles } from './web/page-files.js';
import { openWebServer } from './web/server.js';

/** The name of the introducer on the bus of `node.yaml`, where `connections.yaml` says nothing of introducers. */
const defaultIntroducer = 'default';

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
  const connections = await ConnectionsFile.open(
    join(dir, 'connections.yaml'),
    logger,
    configuration.anonymous ? anonymousConnectionsConfiguration : connectionsConfiguration,
  );
  const leaseSecret = await readPrivateSecret(dir, 'secret');
  const convergenceSecret = await readPrivateSecret(dir, 'convergence');
  const postgres = await urlWithPassword(dir, 'postgres', configuration.postgres);
  const introducerSettings = (given: ConnectionsConfiguration) =>
    readIntroducerSettings(dir, configuration, given);
  const firstIntroducers = await introducerSettings(connections.current);
  const spoolDir = resolve(dir, configuration.spool);
  await mkdir(spoolDir, { recursive: true, mode: 0o700 });
  const page = await readPageFiles(join(import.meta.dirname, 'page'));
  const registry = createRegistry({ service: 'broker', nickname });

  const gridManagers = configuration.grid_managers;
  const vouching = new Vouching(Object.values(gridManagers));
  const servers = new ServerSet({
    leaseSecret,
    logger,
    registry,
    vouching,
  });
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
  known.override(connections.current.servers, connections.current.connection_types);
  const forgetting = new Forgetting({
    database,
    grid: gridName,
    logger,
    known,
    statuses: () => servers.statuses(),
    forgetAfter: configuration.announcements.forget_after,
  });
  await forgetting.start();
  lifecycle.add('forgetting', () => forgetting.stop());
  const cache = new AnnouncementCache({ database, grid: gridName, logger });
  lifecycle.add('announcement cache', () => cache.close());
  for (const heard of await cache.load()) known.hear(heard);

  const introducers = new Introducers({
    grid: gridName,
    clientName: `broker ${nickname}`,
    logger,
    registry,
    onAnnouncement: (heard) => {
      if (known.hear(heard)) cache.remember(heard);
    },
  });
  introducers.set(firstIntroducers);
  lifecycle.add('introducers', () => introducers.close());
  const unfollow = connections.follow(async (changed) => {
    introducers.set(await introducerSettings(changed));
    known.override(changed.servers, changed.connection_types);
  });
  lifecycle.add('connections.yaml', unfollow);
  countRefusedEdits(connections, registry);

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
      gridManagers: Object.keys(gridManagers),
      introducers: introducers.statuses(),
      servers: servers.statuses().map((server) => ({ ...server, sources: known.sources(server.id) })),
      refusedEdit: connections.refused,
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

/**
 * The introducers that `connections.yaml` names, with what `private/introducer-NAME.…` says of each.
 *
 * @throws ConfigurationError where an anonymous node has no way to the bus of its `node.yaml`, and needs it
 */
async function readIntroducerSettings(
  dir: string,
  configuration: NodeConfiguration,
  { introducers, connection_types: forAll = defaultConnectionTypes }: ConnectionsConfiguration,
): Promise<Map<string, IntroducerSettings>> {
  if (introducers === undefined) {
    const connectionTypes = ownBusTypes(configuration, forAll);
    if (configuration.anonymous && !canReachBus(configuration.bus, connectionTypes))
      throw new ConfigurationError(join(dir, 'node.yaml'), undefined, 'bus', noWayToBus);
    const access = await busAccess(dir, 'bus', configuration.bus);
    return new Map([[defaultIntroducer, { ...access, connectionTypes }]]);
  }
  const settings = new Map<string, IntroducerSettings>();
  for (const [name, { url, connection_types: connectionTypes = forAll }] of Object.entries(introducers))
    settings.set(name, { ...(await busAccess(dir, `introducer-${name}`, url)), connectionTypes });
  return settings;
}

function countRefusedEdits(connections: ConnectionsFile, registry: Registry): void {
  new Gauge({
    name: 'holdfast_connections_file_refused',
    help: 'Whether connections.yaml, as it is now, is wrong and not in force: 1 or 0',
    registers: [registry],
    collect() {
      this.set(connections.refused ? 1 : 0);
    },
  });
}
