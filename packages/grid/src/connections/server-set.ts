import type { Logger } from '@holdfast/common/logging';
import { Gauge, type Registry } from '@holdfast/common/metrics';
import { permutedServerOrder } from '@holdfast/lafs';
import type { KnownServer } from './known-server.js';
import { ServerConnection, type ServerStatus } from './server-connection.js';
import type { StorageServer } from './storage-server.js';

/** What a server set is made with. */
export interface ServerSetOptions {
  /** The node's `private/secret`: every server gets lease secrets of its own from it. */
  readonly leaseSecret: Uint8Array;
  readonly logger: Logger;
  readonly registry: Registry;
}

/** Every storage server of a grid that we know, each with its own connection. */
export class ServerSet {
  readonly #options: ServerSetOptions;
  readonly #servers = new Map<string, { known: KnownServer; connection: ServerConnection }>();

  constructor(options: ServerSetOptions) {
    this.#options = options;
    const statuses = () => this.statuses();
    new Gauge({
      name: 'holdfast_storage_servers',
      help: 'Storage servers known, by the state of the connection',
      labelNames: ['state'],
      registers: [options.registry],
      collect() {
        for (const state of ['connecting', 'connected', 'unreachable'] as const) {
          this.set({ state }, statuses().filter((status) => status.state === state).length);
        }
      },
    });
  }

  /**
   * Adds a server, or replaces it where what is known of it has changed. An unchanged one keeps its connection; if it
   * has none it is tried at once, since news of it means that it is there.
   */
  set(known: KnownServer): void {
    const before = this.#servers.get(known.id);
    if (before && sameServer(before.known, known)) {
      before.connection.heardOf();
      return;
    }
    if (before) void before.connection.close();
    const connection = new ServerConnection(known, this.#options.leaseSecret, this.#options.logger);
    this.#servers.set(known.id, { known, connection });
  }

  /** Forgets a server and closes its connection. */
  forget(id: string): void {
    const entry = this.#servers.get(id);
    this.#servers.delete(id);
    if (entry) void entry.connection.close();
  }

  /** The servers that can be used now, in the order in which a file prefers them (docs: the permuted ring). */
  connectedFor(storageIndex: Uint8Array): StorageServer[] {
    const connected = [...this.#servers.values()]
      .map(({ connection }) => connection)
      .filter((each) => each.connected);
    return permutedServerOrder(storageIndex, connected, ({ permutationSeed }) => permutationSeed);
  }

  /** How each server is doing, in order of nickname. */
  statuses(): ServerStatus[] {
    return [...this.#servers.values()]
      .map(({ connection }) => connection.status())
      .sort((a, b) => (a.nickname < b.nickname ? -1 : a.nickname > b.nickname ? 1 : a.id < b.id ? -1 : 1));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#servers.values()].map(({ connection }) => connection.close()));
  }
}

function sameServer(a: KnownServer, b: KnownServer): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
