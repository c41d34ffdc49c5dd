import type { AnnouncementBody } from '@holdfast/common/announcements';
import type { KnownServer, ServerSet } from '@holdfast/grid';
import type { ConnectionsConfiguration } from '../connections.js';
import type { HeardAnnouncement } from './announcement-cache.js';

/** Each has a connection that is kept up, asked every twenty seconds, and a row in the database. */
const mostServers = 2_000;

/**
 * Joins what the operator wrote and what introducers say into one set of servers. A server that the operator names is
 * as the operator says; of all others the highest seqnum counts, whichever introducer (or cache) it came from.
 */
export class KnownServers {
  readonly #servers: Pick<ServerSet, 'set'>;
  readonly #named = new Set<string>();
  readonly #newest = new Map<string, number>();
  readonly #most: number;

  /** @param most servers that are believed to be there; whoever can listen to the bus can invent any number of them */
  constructor(servers: Pick<ServerSet, 'set'>, most = mostServers) {
    this.#servers = servers;
    this.#most = most;
  }

  /** Adds the servers of `connections.yaml`. */
  name(configured: ConnectionsConfiguration['servers']): void {
    for (const [id, { server_options }] of Object.entries(configured)) {
      this.#named.add(id);
      this.#servers.set(knownServer(id, server_options.announcement, 'connections.yaml'));
    }
  }

  /**
   * Takes an announcement into account. Returns whether it is news: newer than all that was heard of this server. Of
   * servers beyond the most that are believed nothing is news.
   */
  hear({ introducer, announcement: { serverId, seqnum, body } }: HeardAnnouncement): boolean {
    const newest = this.#newest.get(serverId);
    if (newest === undefined ? this.#newest.size >= this.#most : seqnum <= newest) return false;
    this.#newest.set(serverId, seqnum);
    if (!this.#named.has(serverId))
      this.#servers.set(knownServer(serverId, body, `introducer:${introducer}`));
    return true;
  }
}

type Described = Pick<
  AnnouncementBody,
  | 'nickname'
  | 'anonymous-storage-NURLs'
  | 'anonymous-storage-FURL'
  | 'permutation-seed-base32'
  | 'grid-manager-certificates'
  | 'my-version'
>;

function knownServer(id: string, described: Described, source: string): KnownServer {
  return {
    id,
    nickname: described.nickname,
    nurls: described['anonymous-storage-NURLs'],
    furl: described['anonymous-storage-FURL'],
    permutationSeed: described['permutation-seed-base32'],
    certificates: described['grid-manager-certificates'],
    version: described['my-version'],
    source,
  };
}
