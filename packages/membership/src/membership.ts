import { join } from 'node:path';
import type { Bus } from '@holdfast/common/bus';
import type { Database } from '@holdfast/common/database';
import { Vouching } from '@holdfast/common/grid-management';
import { readPrivateSecret } from '@holdfast/common/identity';
import {
  defaultIntroducer,
  type IntroducerAccess,
  readIntroducers,
  readOwnBus,
} from '@holdfast/common/introducers';
import { inSlices, type Lifecycle } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import { Gauge, type Registry } from '@holdfast/common/metrics';
import { ServerSet, type ServerSetStatus } from '@holdfast/grid';
import { AnnouncementCache } from './cache/announcement-cache.js';
import { Forgetting } from './cache/forgetting.js';
import { type ConnectionsConfiguration, connectionsOf } from './connections/connections-configuration.js';
import { ConnectionsFile, type RefusedEdit } from './connections/connections-file.js';
import { type IntroducerStatus, Introducers } from './introducers/introducers.js';
import { migrateMembership } from './migrations.js';
import { KnownServers } from './servers/known-servers.js';
import { tellOfPassedOver } from './servers/passed-over.js';
import type { MembershipConfiguration } from './settings.js';

/** What a node's membership is read from. */
export interface MembershipOptions {
  /** The node's folder: its `connections.yaml`, and in `private/` the lease secret and what introducers are reached with. */
  readonly dir: string;
  readonly configuration: MembershipConfiguration;
  /** As the introducers' buses show this client: the service, without what tells one node from another. */
  readonly clientName: string;
  readonly logger: Logger;
  readonly registry: Registry;
}

/** What a node joins its grid with. */
export interface JoinOptions {
  readonly database: Database;
  /** Gets every part that is started. */
  readonly lifecycle: Lifecycle;
}

/** A server, how it is doing, and who tells of it: `connections.yaml`, or `introducer:NAME`. */
export interface MemberStatus extends ServerSetStatus {
  readonly sources: readonly string[];
}

/**
 * Who is in the grid, and how each is reached: what introducers say, what was heard before, and what the operator says
 * instead, joined into one set of servers.
 */
export class Membership {
  /** Every storage server that is known; empty until the node has joined. */
  readonly servers: ServerSet;
  readonly #options: MembershipOptions;
  readonly #connections: ConnectionsFile;
  readonly #firstIntroducers: ReadonlyMap<string, IntroducerAccess>;
  readonly #known: KnownServers;
  readonly #introducers: Introducers;
  #cache: AnnouncementCache | undefined;

  private constructor(
    options: MembershipOptions,
    leaseSecret: Uint8Array,
    connections: ConnectionsFile,
    firstIntroducers: ReadonlyMap<string, IntroducerAccess>,
  ) {
    const { configuration, clientName, logger, registry } = options;
    this.#options = options;
    this.#connections = connections;
    this.#firstIntroducers = firstIntroducers;
    const vouching = new Vouching(Object.values(configuration.grid_managers));
    this.servers = new ServerSet({ leaseSecret, logger, registry, vouching });
    this.#known = new KnownServers(this.servers, {
      most: configuration.announcements.most_servers,
      onPassedOver: tellOfPassedOver(logger, registry),
    });
    this.#introducers = new Introducers({
      grid: configuration.grid,
      clientName,
      logger,
      registry,
      onAnnouncement: (heard) => {
        if (this.#known.hear(heard)) this.#cache?.remember(heard);
      },
    });
    countRefusedEdits(connections, registry);
  }

  /**
   * Reads what the node's folder says. Nothing is connected to yet, so that a wrong configuration is told at once.
   *
   * @throws ConfigurationError, or the Error of a private file that is missing or wrong
   */
  static async open(options: MembershipOptions): Promise<Membership> {
    const { dir, configuration, logger } = options;
    const connections = await ConnectionsFile.open(
      join(dir, 'connections.yaml'),
      logger,
      connectionsOf(configuration),
    );
    const introducers = await introducersOf(options, connections.current);
    return new Membership(options, await readPrivateSecret(dir, 'secret'), connections, introducers);
  }

  /**
   * Begins: connects to every server that the operator named or that was heard of before, listens to introducers, and
   * follows `connections.yaml`. Nobody is waited for but Postgres.
   *
   * @throws SchemaTooNewError, or Postgres' own error
   */
  async join({ database, lifecycle }: JoinOptions): Promise<void> {
    const { configuration, logger } = this.#options;
    const { grid, announcements } = configuration;
    await migrateMembership(database, logger, lifecycle.signal);
    lifecycle.add('server set', () => this.servers.close());
    this.#override(this.#connections.current);
    const forgetting = new Forgetting({
      database,
      grid,
      logger,
      known: this.#known,
      statuses: () => this.servers.statuses(),
      forgetAfter: announcements.forget_after,
    });
    await forgetting.start();
    lifecycle.add('forgetting', () => forgetting.stop());
    const cache = new AnnouncementCache({ database, grid, logger });
    this.#cache = cache;
    lifecycle.add('announcement cache', () => cache.close());
    await inSlices(await cache.load(), (heard) => this.#known.hear(heard));
    this.#introducers.set(this.#firstIntroducers);
    lifecycle.add('introducers', () => this.#introducers.close());
    lifecycle.add('connections.yaml', this.#follow());
  }

  /** The bus of `node.yaml`, where introducers are listened to on it; undefined while `connections.yaml` names others. */
  get sharedBus(): Bus | undefined {
    return this.#connections.current.introducers === undefined
      ? this.#introducers.busOf(defaultIntroducer)
      : undefined;
  }

  /**
   * How the bus of `node.yaml` is reached, also where `connections.yaml` names other introducers.
   *
   * @throws ConfigurationError where an anonymous node has no way to it
   */
  async ownBus(): Promise<IntroducerAccess> {
    const { dir, configuration } = this.#options;
    return readOwnBus(dir, configuration, this.#connections.current.connection_types);
  }

  /** Whether a server is connected, or why none is: as `/readyz` tells it. */
  readiness(): true | string {
    return this.statuses().some(({ state }) => state === 'connected') || 'no storage server connected';
  }

  /** How each server is doing, in order of nickname. */
  statuses(): MemberStatus[] {
    return this.servers.statuses().map((server) => ({ ...server, sources: this.#known.sources(server.id) }));
  }

  /** How each introducer is doing, in the order in which they were named. */
  introducers(): IntroducerStatus[] {
    return this.#introducers.statuses();
  }

  /** Why `connections.yaml` as it is now is not in force; undefined where it is. */
  get refusedEdit(): RefusedEdit | undefined {
    return this.#connections.refused;
  }

  #override({ servers, connection_types }: ConnectionsConfiguration): void {
    this.#known.override(servers, connection_types);
  }

  #follow(): () => Promise<void> {
    return this.#connections.follow(async (changed) => {
      this.#introducers.set(await introducersOf(this.#options, changed));
      this.#override(changed);
    });
  }
}

function introducersOf(
  { dir, configuration }: MembershipOptions,
  { introducers, connection_types }: ConnectionsConfiguration,
): Promise<Map<string, IntroducerAccess>> {
  return readIntroducers(dir, configuration, introducers, connection_types);
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
