import type { ServerStatus } from '@holdfast/grid';
import { fewestServers } from '../watch/decisions/index.js';
import type { Pause } from './pause.js';

/**
 * No job and no check is begun while this repairer alone is cut off from most storage servers: within moments it would find
 * every file of the queue unreadable, and its checks would have all repairers suspect the network.
 */
export class CutOffPause implements Pause {
  readonly lookAgainAfter = 2_000;
  readonly #statuses: () => readonly Pick<ServerStatus, 'id' | 'state'>[];
  readonly #reachedByAny: (serverId: string) => boolean;

  /**
   * @param statuses the servers that this repairer knows
   * @param reachedByAny whether a server was reached lately by any repairer
   */
  constructor(
    statuses: () => readonly Pick<ServerStatus, 'id' | 'state'>[],
    reachedByAny: (serverId: string) => boolean,
  ) {
    this.#statuses = statuses;
    this.#reachedByAny = reachedByAny;
  }

  get reason(): string | undefined {
    const there = this.#statuses().filter(({ id }) => this.#reachedByAny(id));
    const away = there.filter(({ state }) => state !== 'connected').length;
    return there.length >= fewestServers && 2 * away > there.length
      ? 'cut off from most storage servers'
      : undefined;
  }
}
