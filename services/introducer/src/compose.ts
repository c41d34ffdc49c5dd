import { announcementSubjects } from '@holdfast/common/announcements';
import { Bus } from '@holdfast/common/bus';
import { busAccess, urlWithPassword } from '@holdfast/common/configuration';
import { ownBusTypes } from '@holdfast/common/connections';
import { type Database, openDatabase } from '@holdfast/common/database';
import type { Lifecycle } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { openOperatorPort } from '@holdfast/common/operator-port';
import { AnnouncementStore } from './announcement-store.js';
import type { IntroducerConfiguration } from './configuration.js';
import { forgetSilentServers } from './forgetting.js';
import { Introducer } from './introducer.js';
import { migrateIntroducer } from './migrations.js';

/** Builds an introducer from its folder and configuration, and starts it. */
export async function compose(
  dir: string,
  configuration: IntroducerConfiguration,
  logger: Logger,
  lifecycle: Lifecycle,
): Promise<void> {
  const { nickname, grid } = configuration;
  const name = `holdfast introducer ${nickname}`;
  const registry = createRegistry({ service: 'introducer', nickname });

  let opened: Database | undefined;
  let serving = false;
  const bus = new Bus({
    ...(await busAccess(dir, 'bus', configuration.bus)),
    connectionTypes: ownBusTypes(configuration, configuration.connection_types),
    name,
    logger,
  });
  lifecycle.add('bus', () => bus.close());

  const operatorPort = await openOperatorPort({
    listen: configuration.operator.listen,
    registry,
    checks: {
      database: () => (opened ? (opened.problem ?? true) : 'Postgres has not answered yet'),
      bus: () => bus.connected || 'not connected to the bus',
      serving: () => (serving && !lifecycle.stopping) || 'not taking announcements',
    },
  });
  lifecycle.add('operator port', () => operatorPort.close());

  const database = await openDatabase({
    url: await urlWithPassword(dir, 'postgres', configuration.postgres),
    applicationName: name,
    logger,
    connections: 4,
    signal: lifecycle.signal,
  });
  lifecycle.add('database', () => database.close());
  await migrateIntroducer(database, logger, lifecycle.signal);
  opened = database;

  const store = new AnnouncementStore(database, grid, configuration.announcements.most_servers);
  const introducer = new Introducer({ bus, subjects: announcementSubjects(grid), store, logger, registry });
  lifecycle.add('introducer', introducer.start());
  lifecycle.add('forgetting', forgetSilentServers(store, configuration.announcements.forget_after, logger));
  serving = true;
  logger.info({ servers: await store.count() }, 'introducing');
}
