import {
  absenceAfter,
  isLasting,
  type NetworkSuspicion,
  type ServerState,
  serverState,
  suspectNetwork,
  unsuspected,
} from '@holdfast/repairer';
import type { ModelledServers } from './modelled-servers.js';
import { minute } from './times.js';

/** As the service has it where nothing else is configured. */
const settle = 5 * minute;

/** What the watch thinks of the modelled servers, by its own decisions. */
export class ModelledGridView {
  network: NetworkSuspicion = unsuspected;
  /** Servers that new shares may be put on. */
  active: number[] = [];
  /** Servers that were given up, each as often as it was. */
  givenUp = 0;
  /** Whether shares on each are counted on: 1 or 0. */
  readonly lasting: Uint8Array;
  /** Whether each was given up and has not come back: 1 or 0. */
  readonly gone: Uint8Array;
  readonly #absence: Float64Array;
  readonly #servers: ModelledServers;
  readonly #grace: number;

  constructor(servers: ModelledServers, grace: number) {
    this.#servers = servers;
    this.#grace = grace;
    this.lasting = new Uint8Array(servers.alive.length);
    this.gone = new Uint8Array(servers.alive.length);
    this.#absence = new Float64Array(servers.alive.length);
  }

  /**
   * Looks at all servers.
   *
   * @param since milliseconds since the last look
   * @param checks that ended lately, and how many of them failed
   * @returns servers that are given up from now on
   */
  look(since: number, checks: { readonly checks: number; readonly failedChecks: number }): number[] {
    const { reached, count } = this.#servers;
    let away = 0;
    let known = 0;
    for (let server = 0; server < count; server++) {
      if (this.gone[server] && !reached[server]) continue;
      known++;
      if (!reached[server]) away++;
    }
    this.network = suspectNetwork(this.network, { servers: known, away, ...checks }, since, settle);

    const given: number[] = [];
    this.active = [];
    for (let server = 0; server < count; server++) {
      const isReached = reached[server] === 1;
      const absence = absenceAfter(this.#absence[server] as number, {
        reached: isReached,
        since,
        networkSuspected: this.network.suspected,
      });
      this.#absence[server] = absence;
      const state: ServerState = serverState({ reached: isReached, absence, leaving: false }, this.#grace);
      if (state === 'active') this.active.push(server);
      if (state === 'gone' && !this.gone[server]) given.push(server);
      this.gone[server] = state === 'gone' ? 1 : 0;
      this.lasting[server] = isLasting(state) ? 1 : 0;
    }
    this.givenUp += given.length;
    return given;
  }
}
