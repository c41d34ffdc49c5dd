import type { ServerStatus } from '@holdfast/grid';

type Seen = Pick<ServerStatus, 'id' | 'state'>;

/** Notices when a storage server that could not be used can be used again. */
export class ReturningServers {
  readonly #statuses: () => readonly Seen[];
  #connected: ReadonlySet<string> = new Set();
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
    const connected = this.#statuses().flatMap(({ id, state }) => (state === 'connected' ? [id] : []));
    const returned = connected.some((id) => !this.#connected.has(id));
    this.#connected = new Set(connected);
    if (!returned) return;
    this.#lastReturn = Date.now();
    this.#untold = true;
  }
}
