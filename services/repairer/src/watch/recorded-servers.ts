import type { ServerState } from './decisions/index.js';
import type { ServerRecord } from './records/server-records.js';

/** The servers as all repairers see them together, to be looked up. */
export class RecordedServers {
  readonly #byId: ReadonlyMap<string, ServerRecord>;
  readonly #idByKey: ReadonlyMap<number, string>;

  constructor(records: readonly ServerRecord[]) {
    this.#byId = new Map(records.map((record) => [record.serverId, record]));
    this.#idByKey = new Map(records.map(({ key, serverId }) => [key, serverId]));
  }

  /** A server that nobody ever reported is gone, as far as shares on it are concerned. */
  readonly stateOf = (serverId: string): ServerState => this.#byId.get(serverId)?.state ?? 'gone';

  /** Whether one that does not answer is away for less than its grace time, as far as anybody knows. */
  isExpectedBack(serverId: string): boolean {
    const record = this.#byId.get(serverId);
    return record?.everReached === true && record.state !== 'gone';
  }

  keyOf(serverId: string): number | undefined {
    return this.#byId.get(serverId)?.key;
  }

  idOf(key: number): string | undefined {
    return this.#idByKey.get(key);
  }

  /** How many servers there are in each state. */
  get states(): Readonly<Record<ServerState, number>> {
    const states = { active: 0, leaving: 0, suspected: 0, gone: 0 };
    for (const { state } of this.#byId.values()) states[state]++;
    return states;
  }

  /** How many servers new shares may be put on. */
  get usable(): number {
    return this.states.active;
  }
}
