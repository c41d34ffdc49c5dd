import type { ServerStatus } from '@holdfast/grid';
import type { Pause } from './pause.js';

/** How long a start waits for servers that have not been tried yet. */
const longestStart = 20_000;

/**
 * No job is begun while no storage server is connected, nor in the first seconds, until every known server was tried:
 * files would look as if their shares were lost.
 */
export class ConnectingPause implements Pause {
  readonly lookAgainAfter = 250;
  readonly #statuses: () => readonly Pick<ServerStatus, 'state'>[];
  readonly #started = Date.now();
  #tried = false;

  constructor(statuses: () => readonly Pick<ServerStatus, 'state'>[]) {
    this.#statuses = statuses;
  }

  get reason(): string | undefined {
    const statuses = this.#statuses();
    if (!statuses.some(({ state }) => state === 'connected')) return 'no storage server connected';
    this.#tried ||=
      statuses.every(({ state }) => state !== 'connecting') || Date.now() - this.#started > longestStart;
    return this.#tried ? undefined : 'connecting to storage servers';
  }
}
