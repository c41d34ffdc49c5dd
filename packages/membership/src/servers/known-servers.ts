import { type AnnouncementBody, believedAhead } from '@holdfast/common/announcements';
import { type ConnectionTypes, defaultConnectionTypes } from '@holdfast/common/connections';
import { type KnownServer, operatorSource, type ServerSet } from '@holdfast/grid';
import type { HeardAnnouncement } from '../cache/announcement-cache.js';
import type { ConnectionsConfiguration } from '../connections/connections-configuration.js';

type Clauses = ConnectionsConfiguration['servers'];

/** How many servers are believed to be there. */
export interface KnownServersOptions {
  /** Most servers that are believed to be there because one introducer tells of them. */
  readonly most: number;
  /** Called with each announcement of a server beyond these: by whom it was told, and how many there may be. */
  readonly onPassedOver?: (introducer: string, most: number) => void;
}

/** What was heard of one server. */
interface Heard {
  /** Its announcement of the highest seqnum, and who told of it first. */
  newest: HeardAnnouncement;
  /** In whose number it is counted. */
  readonly introducedBy: string;
  /** The highest seqnum that each introducer told. */
  readonly seqnums: Map<string, number>;
}

/**
 * Joins what the operator wrote and what introducers say into one set of servers. A server that the operator names is
 * as the operator says, and what the clause leaves out is as announced; of all others the highest seqnum counts,
 * whichever introducer (or cache) it came from.
 */
export class KnownServers {
  readonly #servers: Pick<ServerSet, 'set' | 'forget'>;
  readonly #most: number;
  readonly #onPassedOver: NonNullable<KnownServersOptions['onPassedOver']>;
  readonly #heard = new Map<string, Heard>();
  /** How many servers each introducer was the first to tell of. */
  readonly #introduced = new Map<string, number>();
  /** Of servers that are forgotten, the seqnum above which an announcement brings them back. */
  readonly #forgotten = new Map<string, number>();
  #clauses: Clauses = {};
  #connectionTypes = defaultConnectionTypes;

  constructor(
    servers: Pick<ServerSet, 'set' | 'forget'>,
    { most, onPassedOver = () => undefined }: KnownServersOptions,
  ) {
    this.#servers = servers;
    this.#most = most;
    this.#onPassedOver = onPassedOver;
  }

  /**
   * Takes the servers of `connections.yaml` in place of those it named before, and how servers are reached that have no
   * map of their own. Others keep their connections.
   */
  override(clauses: Clauses, connectionTypes: ConnectionTypes = defaultConnectionTypes): void {
    const before = this.#clauses;
    const allChange = !isAlike(this.#connectionTypes, connectionTypes);
    this.#clauses = clauses;
    this.#connectionTypes = connectionTypes;
    for (const id of new Set([...Object.keys(before), ...Object.keys(clauses), ...this.#heard.keys()])) {
      if (allChange || !isAlike(before[id], clauses[id])) this.#tell(id);
    }
  }

  /**
   * Takes an announcement into account. Returns whether it is newer than all that this introducer told of the server
   * before, and so worth remembering. Of servers beyond the most that are believed nothing is.
   */
  hear(told: HeardAnnouncement): boolean {
    const { introducer, announcement } = told;
    const { serverId, seqnum } = announcement;
    if (seqnum <= (this.#forgotten.get(serverId) ?? -1)) return false;
    const heard = this.#heard.get(serverId);
    if (!heard) {
      const introduced = this.#introduced.get(introducer) ?? 0;
      if (introduced >= this.#most) {
        this.#onPassedOver(introducer, this.#most);
        return false;
      }
      this.#introduced.set(introducer, introduced + 1);
      const seqnums = new Map([[introducer, seqnum]]);
      this.#heard.set(serverId, { newest: told, introducedBy: introducer, seqnums });
      this.#tell(serverId);
      return true;
    }
    if (seqnum <= (heard.seqnums.get(introducer) ?? -1)) return false;
    heard.seqnums.set(introducer, seqnum);
    if (seqnum > heard.newest.announcement.seqnum) {
      heard.newest = told;
      this.#tell(serverId);
    }
    return true;
  }

  /**
   * Forgets what was announced of a server up to a seqnum, or by a clock that was far ahead, and its connection, unless it
   * is in `connections.yaml`. A newer announcement brings it back, also one of a clock that is still ahead; what introducers
   * tell again of the old ones does not.
   *
   * @returns whether there was something to forget
   */
  forget(id: string, seqnum: number): boolean {
    const before = this.#forgotten.get(id) ?? -1;
    this.#forgotten.set(id, Math.max(seqnum, before));
    const heard = this.#heard.get(id);
    if (!heard) return false;
    const newest = heard.newest.announcement.seqnum;
    const isFarAhead = newest > Date.now() + believedAhead;
    // What is told again of a clock that is still ahead counts as news: else its server would come and go.
    if (newest > seqnum && !(isFarAhead && seqnum > before)) return false;
    this.#heard.delete(id);
    this.#introduced.set(heard.introducedBy, (this.#introduced.get(heard.introducedBy) ?? 1) - 1);
    this.#tell(id);
    return true;
  }

  /** Remembers no longer that other servers than these were forgotten: their old announcements count again. */
  rememberForgotten(ids: ReadonlySet<string>): void {
    for (const id of this.#forgotten.keys()) if (!ids.has(id)) this.#forgotten.delete(id);
  }

  /** Who tells of a server: `connections.yaml`, then `introducer:NAME` for each, the one that is believed first. */
  sources(id: string): string[] {
    const heard = this.#heard.get(id);
    const introducers = heard ? new Set([heard.newest.introducer, ...heard.seqnums.keys()]) : [];
    return [
      ...(this.#clauses[id] ? [operatorSource] : []),
      ...[...introducers].map((name) => `introducer:${name}`),
    ];
  }

  #tell(id: string): void {
    const known = this.#joined(id);
    if (known) this.#servers.set(known);
    else this.#servers.forget(id);
  }

  #joined(id: string): KnownServer | undefined {
    const heard = this.#heard.get(id)?.newest;
    const clause = this.#clauses[id];
    const announced = heard?.announcement.body;
    const connectionTypes = clause?.connection_types ?? this.#connectionTypes;
    if (clause) {
      const described = { ...announced, ...clause.server_options.announcement };
      return { ...knownServer(id, described, operatorSource), connectionTypes };
    }
    if (!heard || !announced) return undefined;
    return { ...knownServer(id, announced, `introducer:${heard.introducer}`), connectionTypes };
  }
}

function isAlike(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What is read of an announcement, or of a clause that stands for one. */
type Described = {
  readonly [Field in
    | 'nickname'
    | 'anonymous-storage-NURLs'
    | 'anonymous-storage-FURL'
    | 'permutation-seed-base32'
    | 'grid-manager-certificates'
    | 'leaving'
    | 'my-version']?: AnnouncementBody[Field] | undefined;
};

function knownServer(id: string, described: Described, source: string): KnownServer {
  return {
    id,
    nickname: described.nickname ?? '',
    nurls: described['anonymous-storage-NURLs'] ?? [],
    // Without one the server cannot be used, and its status says so.
    furl: described['anonymous-storage-FURL'] ?? '',
    permutationSeed: described['permutation-seed-base32'],
    certificates: described['grid-manager-certificates'],
    leaving: described.leaving,
    version: described['my-version'],
    source,
  };
}
