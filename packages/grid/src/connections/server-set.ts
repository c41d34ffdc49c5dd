import { isDeepStrictEqual } from 'node:util';
import { type ConnectionTypes, defaultConnectionTypes } from '@holdfast/common/connections';
import { Vouching } from '@holdfast/common/grid-management';
import type { Logger } from '@holdfast/common/logging';
import type { Registry } from '@holdfast/common/metrics';
import { permutedServerOrder } from '@holdfast/lafs';
import { CertificateHolders } from './certificate-holders.js';
import { measureConnections } from './connection-metrics.js';
import { DialTurns } from './dial-turns.js';
import type { KnownServer } from './known-server.js';
import { type ConnectionSettings, ServerConnection, type ServerStatus } from './server-connection.js';
import type { StorageServer } from './storage-server.js';

/** What a server set is made with. */
export interface ServerSetOptions {
  /** The node's `private/secret`: every server gets lease secrets of its own from it. */
  readonly leaseSecret: Uint8Array;
  /** How servers without a map of their own are reached; directly where not given. */
  readonly connectionTypes?: ConnectionTypes;
  /** Over how many milliseconds the first connections of servers are spread; two seconds where not given. */
  readonly startSpread?: number;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Whose servers get uploads; every server where not given. */
  readonly vouching?: Vouching;
}

/** The servers that a file may be uploaded to, and how many are connected beside them. */
export interface UploadServers {
  /** In the file's order of preference. */
  readonly servers: readonly StorageServer[];
  /** For which no grid manager vouches at this moment. */
  readonly passedOver: number;
  /** That are leaving the grid. */
  readonly leaving: number;
}

/** How a server is doing, and until when a grid manager vouches for it. */
export interface ServerSetStatus extends ServerStatus {
  /** Milliseconds since 1970; Infinity where no grid manager is needed, undefined where none ever vouched. */
  readonly vouchedUntil: number | undefined;
}

interface Entry {
  readonly known: KnownServer;
  readonly connection: ServerConnection;
  readonly vouchedUntil: number | undefined;
}

/** A restart must not be seen by all servers in the same instant, nor keep anybody waiting. */
const usualSpread = 2_000;

/** Every storage server of a grid that we know, each with its own connection. */
export class ServerSet {
  readonly #settings: ConnectionSettings;
  readonly #vouching: Vouching;
  readonly #servers = new Map<string, Entry>();
  readonly #closing = new Set<Promise<void>>();
  #closed = false;

  constructor(options: ServerSetOptions) {
    const {
      leaseSecret,
      connectionTypes = defaultConnectionTypes,
      startSpread = usualSpread,
      logger,
    } = options;
    const certificates = new CertificateHolders((id) => this.#reconnect(id));
    const turns = new DialTurns();
    this.#settings = { leaseSecret, connectionTypes, startSpread, certificates, turns, logger };
    this.#vouching = options.vouching ?? new Vouching();
    measureConnections(options.registry, () => this.statuses());
  }

  /**
   * Adds a server, or replaces it where it is to be reached in another way. Else it keeps its connection, whatever it
   * is called now; if it has none it is tried at once, since news of it means that it is there.
   */
  set(known: KnownServer): void {
    if (this.#closed) return;
    const before = this.#servers.get(known.id);
    const vouchedUntil = this.#vouching.until(known.id, known.certificates);
    if (before && isReachedAlike(before.known, known)) {
      this.#servers.set(known.id, { known, connection: before.connection, vouchedUntil });
      before.connection.heardOf(known);
      return;
    }
    if (before) {
      this.#close(before.connection);
      if (before.known.furl !== known.furl) this.#settings.certificates.release(known.id);
    }
    const connection = new ServerConnection(known, this.#settings);
    this.#servers.set(known.id, { known, connection, vouchedUntil });
  }

  /** Forgets a server and closes its connection. */
  forget(id: string): void {
    const entry = this.#servers.get(id);
    this.#servers.delete(id);
    this.#settings.certificates.release(id);
    if (entry) this.#close(entry.connection);
  }

  /** The servers that can be read from now, in the order in which a file prefers them (docs: the permuted ring). */
  connectedFor(storageIndex: Uint8Array): StorageServer[] {
    return inOrder(storageIndex, this.#connected());
  }

  /** The ids of all servers that are known, connected or not, in the order in which a file prefers them. */
  orderFor(storageIndex: Uint8Array): string[] {
    return inOrder(storageIndex, [...this.#servers.values()]).map(({ id }) => id);
  }

  /**
   * The servers that a file may be uploaded to now: those connected that are not leaving, and for which a grid manager
   * vouches at this moment.
   */
  vouchedFor(storageIndex: Uint8Array): UploadServers {
    const connected = this.#connected();
    const staying = connected.filter(({ connection }) => !connection.leaving);
    const now = Date.now();
    const vouched = staying.filter(({ vouchedUntil = 0 }) => vouchedUntil > now);
    return {
      servers: inOrder(storageIndex, vouched),
      passedOver: staying.length - vouched.length,
      leaving: connected.length - staying.length,
    };
  }

  /** How each server is doing, in order of nickname. */
  statuses(): ServerSetStatus[] {
    return [...this.#servers.values()]
      .map(({ connection, vouchedUntil }) => ({ ...connection.status(), vouchedUntil }))
      .sort((a, b) => (a.nickname < b.nickname ? -1 : a.nickname > b.nickname ? 1 : a.id < b.id ? -1 : 1));
  }

  /** Closes every connection; servers that are set after that are not connected to. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { connection } of this.#servers.values()) this.#close(connection);
    await Promise.all(this.#closing);
  }

  /** Begins anew with a server whose connections must not be used any longer. */
  #reconnect(id: string): void {
    const entry = this.#servers.get(id);
    if (!entry || this.#closed) return;
    this.#close(entry.connection);
    this.#servers.set(id, { ...entry, connection: new ServerConnection(entry.known, this.#settings) });
  }

  #connected(): Entry[] {
    return [...this.#servers.values()].filter(({ connection }) => connection.connected);
  }

  /** In the background; whoever closes the set waits for it. */
  #close(connection: ServerConnection): void {
    const closing = connection
      .close()
      .catch((error: Error) => {
        this.#settings.logger.warn({ error: error.message }, 'a connection could not be closed');
      })
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

function inOrder(storageIndex: Uint8Array, entries: readonly Entry[]): StorageServer[] {
  const connections = entries.map(({ connection }) => connection);
  return permutedServerOrder(storageIndex, connections, ({ permutationSeed }) => permutationSeed);
}

/** Whether nothing changed of where a server is, who it must be there, and what is derived for it. */
function isReachedAlike(a: KnownServer, b: KnownServer): boolean {
  return (
    a.furl === b.furl &&
    isDeepStrictEqual(a.nurls, b.nurls) &&
    isDeepStrictEqual(a.permutationSeed, b.permutationSeed) &&
    isDeepStrictEqual(a.connectionTypes, b.connectionTypes)
  );
}
