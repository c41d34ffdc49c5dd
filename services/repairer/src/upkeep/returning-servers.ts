import type { ServerStatus } from '@holdfast/grid';

type Seen = Pick<ServerStatus, 'id' | 'state'>;

/** Notices when a storage server that could not be used can be used again. */
export class ReturningServers {
  readonly #statuses: () => readonly Seen[];
  #connected: ReadonlySet<string> = new Set();
  #lastReturn = 0;

  constructor(statuses: () => readonly Seen[]) {
    this.#statuses = statuses;
  }

  /** Whether a server has become usable since the last look. */
  look(): boolean {
    const connected = this.#statuses().flatMap(({ id, state }) => (state === 'connected' ? [id] : []));
    const returned = connected.some((id) => !this.#connected.has(id));
    this.#connected = new Set(connected);
    if (returned) this.#lastReturn = Date.now();
    return returned;
  }

  /** Whether one has, as far as is known, since `time`, in milliseconds since 1970. */
  since(time: number): boolean {
    this.look();
    return this.#lastReturn >= time;
  }
}
