import { resolve } from 'node:path';
import { Bus } from '@holdfast/common/bus';
import { PaceWatch } from '@holdfast/common/client-pace';
import { busAccess, urlWithPassword } from '@holdfast/common/configuration';
import { ownBusTypes } from '@holdfast/common/connections';
import { type Database, openDatabase } from '@holdfast/common/database';
import { loadIdentity, readPrivateFile } from '@holdfast/common/identity';
import type { Lifecycle } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { openOperatorPort } from '@holdfast/common/operator-port';
import { release } from '@holdfast/common/release';
import { AccountBook } from './accounts/account-book.js';
import { AccountFollowing } from './accounts/account-following.js';
import type { Credentials } from './accounts/credentials.js';
import { SecretSeal } from './accounts/secret-seal.js';
import { describeServer } from './accounts/server-description.js';
import { Announcing } from './announcing.js';
import { composeService } from './compose-service.js';
import type { StorageConfiguration } from './configuration.js';
import { DamagedShares } from './damage/damaged-shares.js';
import { VouchingCertificates } from './grid-management.js';
import { RepairersTurns } from './http/repairers-turns.js';
import { endSlowRequest, requestListener, type Service } from './http/request-listener.js';
import { openStoragePort } from './http/storage-port.js';
import { anonymousCredentialFile } from './initialise.js';
import { openIntroducers } from './introducers.js';
import { DrainRecords } from './leaving/drain-records.js';
import { Draining } from './leaving/draining.js';
import { Leaving } from './leaving/leaving.js';
import { StorageMetrics } from './metrics.js';
import { migrateStorage } from './migrations/index.js';
import { registerServer, setAnonymousCredential } from './records/accounts.js';
import { AccountCopying } from './recovery/account-copying.js';
import { Generation } from './recovery/generation.js';
import { recover } from './recovery/recover.js';
import { StandingWatch } from './recovery/standing-watch.js';
import { DiskShareBackend } from './share-backend/disk-share-backend.js';

/** Builds a storage server from its folder and configuration, and starts it. */
export async function compose(
  dir: string,
  configuration: StorageConfiguration,
  logger: Logger,
  lifecycle: Lifecycle,
): Promise<void> {
  const { nickname } = configuration;
  const name = `holdfast storage ${nickname}`;
  const identity = await loadIdentity(dir);
  const credential = configuration.anonymous_account.enabled
    ? (await readPrivateFile(dir, anonymousCredentialFile)).trim()
    : undefined;
  const certificates = new VouchingCertificates(
    dir,
    configuration.grid_management,
    identity.serverId,
    logger,
  );
  await certificates.read();
  const registry = createRegistry({ service: 'storage', nickname });
  const metrics = new StorageMetrics(registry);

  let service: Service | undefined;
  let opened: Database | undefined;
  let standing: StandingWatch | undefined;
  let followed: AccountFollowing | undefined;
  const serving = () => (lifecycle.stopping ? undefined : service);
  const operatorPort = await openOperatorPort({
    listen: configuration.operator.listen,
    registry,
    checks: {
      database: () => (opened ? (opened.problem ?? true) : 'Postgres has not answered yet'),
      serving: () => serving() !== undefined || 'not serving shares',
      records: () => standing?.problem ?? true,
    },
  });
  lifecycle.add('operator port', () => operatorPort.close());

  // The port before the share folder: a second process of the same node fails here, before it can clear away the
  // first one's uploads.
  const { slowest: bytesPerSecond, patience, repairer_requests: atOnce } = configuration.limits;
  const pace = new PaceWatch({ bytesPerSecond, patience }, (request, response, direction) => {
    metrics.tooSlow(direction);
    endSlowRequest(request, response, direction, bytesPerSecond);
  });
  lifecycle.add('watch over slow clients', () => pace.close());
  const repairers = new RepairersTurns(atOnce);
  metrics.watchRepairers(repairers);
  const listener = requestListener({ service: serving, metrics, logger, pace, repairers });
  const port = await openStoragePort(configuration.listen, identity.tls, listener);
  lifecycle.add('storage port', () => port.close());
  const shareFolder = resolve(dir, configuration.shares.path);
  const damaged = new DamagedShares(logger);
  const backend = new DiskShareBackend(shareFolder, logger, damaged);
  await backend.open();
  lifecycle.add('share backend', () => backend.close());

  const bus = new Bus({
    ...(await busAccess(dir, 'bus', configuration.bus)),
    connectionTypes: ownBusTypes(configuration, configuration.connection_types),
    name,
    logger,
  });
  lifecycle.add('bus', () => bus.close());
  const introducers = await openIntroducers({ dir, configuration, bus, name, logger, lifecycle });
  const database = await openDatabase({
    url: await urlWithPassword(dir, 'postgres', configuration.postgres),
    applicationName: name,
    logger,
    // Two of them are a collection's while it runs.
    connections: 6,
    planning: 'once',
    signal: lifecycle.signal,
  });
  lifecycle.add('database', () => database.close());
  await migrateStorage(database, logger, lifecycle.signal);
  opened = database;

  const server = await registerServer(database, identity.serverId);
  await introduce();
  const generation = new Generation({ backend, database, server, serverId: identity.serverId });
  standing = watchRecords(generation);
  const leaving = new Leaving(database, server);
  const composed = await composeService({
    configuration,
    logger,
    lifecycle,
    metrics,
    backend,
    damaged,
    database,
    server,
    shareFolder,
    tubId: identity.tls.tubId,
    release,
    generation,
    standing,
    leaving,
  });
  followAccounts(composed.credentials, standing);
  await standing.start();
  service = composed;
  // Once more, as what stops first: requests under way still need the database and the backend.
  lifecycle.add('requests', () => port.close());
  logger.info({ serverId: identity.serverId, listen: configuration.listen }, 'serving shares');

  /** Writes into the database what clients and other servers of it must know of this one. */
  async function introduce(): Promise<void> {
    await describeServer(database, server, configuration, identity, await certificates.current());
    await setAnonymousCredential(database, server, credential ? Buffer.from(credential) : undefined);
  }

  /** Knows whether the records are those of the shares, and has them recovered if it may. */
  function watchRecords(generation: Generation): StandingWatch {
    const watch = new StandingWatch({
      generation,
      database,
      logger,
      onReturn: async () => {
        await introduce();
        followed?.again();
      },
      command: `holdfast storage recover ${resolve(dir)}`,
      recover: configuration.recovery.automatic
        ? async () => {
            const { signal } = lifecycle;
            // Where the database was emptied while this process runs.
            await migrateStorage(database, logger, signal);
            await registerServer(database, identity.serverId);
            const leaseDuration = configuration.leases.duration;
            const done = await recover({ backend, database, server, identity, leaseDuration, signal });
            logger.info(done, 'recovered the records from the shares');
          }
        : undefined,
    });
    lifecycle.add('standing of the records', () => watch.stop());
    return watch;
  }

  /**
   * Keeps up with changed accounts, keeps their copy beside the shares, and announces the server while the announced
   * credential is good.
   */
  function followAccounts(credentials: Credentials, records: StandingWatch): void {
    const copying = new AccountCopying({
      backend,
      database,
      server,
      generation,
      signingKey: identity.signingKey,
      logger,
    });
    const copyAccounts = () => {
      if (records.problem !== undefined) return;
      copying
        .refresh()
        .catch((error: Error) => logger.warn({ error: error.message }, 'could not copy the accounts'));
    };
    records.onceCurrent(() => following.again());
    const announcing = credential
      ? new Announcing({
          configuration,
          identity,
          credential,
          certificates: () => certificates.current(),
          leaving,
          release,
          introducers,
          logger,
        })
      : undefined;
    if (announcing) lifecycle.add('announcer', () => announcing.stop());
    const draining = new Draining({
      bus,
      grid: configuration.grid,
      serverId: identity.serverId,
      records: new DrainRecords(database, server),
      leaving,
      standing: records,
      logger,
    });
    lifecycle.add('draining', draining.start());
    const seal = new SecretSeal(identity.signingKey);
    const following = new AccountFollowing({
      bus,
      grid: configuration.grid,
      book: new AccountBook({ database, keeper: server, seal, logger }),
      credentials,
      leaving,
      logger,
      current: () => records.look(),
      onReload: () => {
        announcing?.follow(credentials.find(Buffer.from(credential ?? '')) !== undefined);
        draining.follow();
        copyAccounts();
      },
    });
    followed = following;
    lifecycle.add('accounts', following.start());
  }
}
