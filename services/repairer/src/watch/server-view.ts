import type { Database } from '@holdfast/common/database';
import type { ServerSet } from '@holdfast/grid';
import { RecordedServers } from './recorded-servers.js';
import { listServers, reportServers } from './records/server-records.js';

/** What a server view is made with. */
export interface ServerViewOptions {
  readonly database: Database;
  readonly grid: string;
  readonly servers: Pick<ServerSet, 'statuses'>;
}

/** This repairer tells the others which servers it reaches, and takes what the scheduler made of all that was told. */
export class ServerView {
  readonly #options: ServerViewOptions;
  #current = new RecordedServers([]);

  constructor(options: ServerViewOptions) {
    this.#options = options;
  }

  get current(): RecordedServers {
    return this.#current;
  }

  /** Tells and takes, once. */
  async exchange(): Promise<void> {
    const { database, grid, servers } = this.#options;
    // Of one that was not tried yet nothing is known.
    const tried = servers.statuses().filter(({ state }) => state !== 'connecting');
    const sightings = tried.map(({ id, state, leaving }) => ({
      serverId: id,
      reached: state === 'connected',
      leaving,
    }));
    if (sightings.length > 0) await reportServers(database.pool, grid, sightings);
    this.#current = await this.look();
  }

  /** The servers as they are on record at this moment. */
  async look(): Promise<RecordedServers> {
    const { database, grid } = this.#options;
    return new RecordedServers(await listServers(database.pool, grid));
  }
}
