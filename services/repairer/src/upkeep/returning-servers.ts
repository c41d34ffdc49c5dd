import type { ServerStatus } from '@holdfast/grid';

type Seen = Pick<ServerStatus, 'id' | 'state' | 'since'>;

/** Notices when a storage server that could not be used can be used again. */
export class ReturningServers {
  readonly #statuses: () => readonly Seen[];
  /** Since when each server that can be used can be: it may go and come back between two looks. */
  #connected: ReadonlyMap<string, number> = new Map();
  #lastReturn = 0;
  #untold = false;

  constructor(statuses: () => readonly Seen[]) {
    this.#statuses = statuses;
  }

  /** Whether a server has become usable since this was asked last. */
  look(): boolean {
    this.#notice();
    const returned = this.#untold;
    this.#untold = false;
    return returned;
  }

  /** Whether one has, as far as is known, since `time`, in milliseconds since 1970. */
  since(time: number): boolean {
    this.#notice();
    return this.#lastReturn >= time;
  }

  #notice(): void {
    const connected = this.#statuses().filter(({ state }) => state === 'connected');
    const returned = connected.some(({ id, since }) => this.#connected.get(id) !== since.getTime());
    this.#connected = new Map(connected.map(({ id, since }) => [id, since.getTime()]));
    if (!returned) return;
    this.#lastReturn = Date.now();
    this.#untold = true;
  }
}
