import { createHmac } from 'node:crypto';
import {
  type ConnectionTypes,
  dialTimeout,
  type HandlerName,
  type Route,
} from '@holdfast/common/connections';
import type { Logger } from '@holdfast/common/logging';
import { findManyExtension, formatNetworkLocation, wholeSharesExtension } from '@holdfast/lafs';
import { StorageServerError } from '../errors.js';
import type { CertificateHolders } from './certificate-holders.js';
import type { DialTurns } from './dial-turns.js';
import { GatheredQuestions } from './gathered-questions.js';
import {
  type KnownServer,
  operatorSource,
  type ReachableServer,
  readKnownServer,
  UnusableServerError,
} from './known-server.js';
import { PinnedPool } from './pinned-pool.js';
import { RepeatedLooks } from './repeated-looks.js';
import { StorageClient } from './storage-client.js';
import type { StorageServer } from './storage-server.js';

/** How a server is doing. */
export interface ServerStatus {
  readonly id: string;
  readonly nickname: string;
  /** `host:port`, the one in use or the first to be tried; undefined where no address of it can be used. */
  readonly address: string | undefined;
  readonly handler: HandlerName | undefined;
  readonly state: 'connecting' | 'connected' | 'unreachable';
  /** When this state began. */
  readonly since: Date;
  readonly lastError: string | undefined;
  /** How often it was found unreachable, since we know of it, by what was wrong: a `code` of StorageServerError. */
  readonly failures: ReadonlyMap<string, number>;
  /** When it last answered. */
  readonly lastReached: Date | undefined;
  readonly source: string;
  readonly version: string | undefined;
  readonly availableSpace: number | undefined;
  /** Whether it is being taken away by its operator. */
  readonly leaving: boolean;
}

/** What every connection of a set is made with. */
export interface ConnectionSettings {
  /** The node's `private/secret`: every server gets lease secrets of its own from it. */
  readonly leaseSecret: Uint8Array;
  /** What holds for servers that have no map of their own. */
  readonly connectionTypes: ConnectionTypes;
  /** Over how many milliseconds the first knocks at all doors are spread. */
  readonly startSpread: number;
  /** Which server of the set each certificate belongs to. */
  readonly certificates: CertificateHolders;
  /** In which those that are not connected are dialled. */
  readonly turns: DialTurns;
  readonly logger: Logger;
}

const unwanted = 'nobody waits for this connection any more';

/**
 * The connection to one server, kept up in the background: it is tried with backoff until the server answers, asked
 * again every twenty seconds, and at once after a request failed. It shares nothing with other servers' connections.
 */
export class ServerConnection implements StorageServer {
  #known: KnownServer;
  readonly #logger: Logger;
  readonly #reachable: ReachableServer | undefined;
  #route: Route | undefined;
  readonly #pool: PinnedPool | undefined;
  readonly #client: StorageClient | undefined;
  readonly #looks: RepeatedLooks | undefined;
  #closed = false;
  #state: ServerStatus['state'] = 'connecting';
  #since = new Date();
  #lastError: string | undefined;
  readonly #failures = new Map<string, number>();
  #lastReached: Date | undefined;
  #version: string | undefined;
  #availableSpace: number | undefined;
  #maximumShareSize = 0;
  #wholeShares = false;
  #findMany = false;
  /** What is asked at the same time of which files it has shares goes together. */
  readonly #questions = new GatheredQuestions({
    nickname: () => this.nickname,
    findMany: () => this.#findMany,
    findShares: (...request) => this.findShares(...request),
    listShares: (...request) => this.#ask((client) => client.listShares(...request)),
    readWhole: (...request) => this.#ask((client) => client.readWhole(...request)),
    inTurn: (_, request) => request(),
  });
  #saysLeaving = false;

  constructor(known: KnownServer, settings: ConnectionSettings) {
    const { leaseSecret, connectionTypes, startSpread, certificates, turns, logger } = settings;
    this.#known = known;
    this.#logger = logger;
    this.#version = known.version;
    try {
      const reachable = readKnownServer(known, connectionTypes);
      const { routes, spkiHash, swissnum, tubId } = reachable;
      this.#reachable = reachable;
      this.#route = routes[0];
      const pool = new PinnedPool({
        routes,
        spkiHash,
        tubId,
        refuse: () => this.#claim(certificates, tubId),
        onRoute: (route) => {
          this.#route = route;
        },
        onDisconnect: () => this.#looks?.doubt(),
      });
      const client = new StorageClient({ pool, nickname: () => this.nickname, swissnum, tubId, leaseSecret });
      this.#pool = pool;
      this.#client = client;
      const patience = patienceWith(routes);
      this.#looks = new RepeatedLooks({
        look: () => this.#look(client, this.connected ? 0 : patience),
        isConnected: () => this.connected,
        startSpread,
        turns,
      });
    } catch (error) {
      if (!(error instanceof UnusableServerError)) throw error;
      this.#fail(error.code, error.message);
    }
  }

  get id(): string {
    return this.#known.id;
  }

  get nickname(): string {
    return this.#known.nickname;
  }

  get permutationSeed(): Uint8Array {
    return this.#reachable?.permutationSeed ?? new Uint8Array(0);
  }

  get availableSpace(): number | undefined {
    return this.#availableSpace;
  }

  get maximumShareSize(): number {
    return this.#maximumShareSize;
  }

  get leaving(): boolean {
    return this.#known.leaving === true || this.#saysLeaving;
  }

  get wholeShares(): boolean {
    return this.#wholeShares;
  }

  get findMany(): boolean {
    return this.#findMany;
  }

  get connected(): boolean {
    return this.#state === 'connected';
  }

  /**
   * The server has said that it is there: it is tried at once, whatever the backoff says.
   *
   * @param known what it says of itself now; it is reached in the same way as before
   */
  heardOf(known: KnownServer): void {
    const wasLeaving = this.leaving;
    this.#known = known;
    if (this.#state !== 'connected') this.#version = known.version;
    this.#looks?.hearNews();
    // What it says itself is now otherwise, too.
    if (wasLeaving !== (known.leaving === true)) this.#looks?.doubt();
  }

  get #address(): string | undefined {
    return this.#route && formatNetworkLocation(this.#route.location);
  }

  status(): ServerStatus {
    return {
      id: this.id,
      nickname: this.nickname,
      address: this.#address,
      handler: this.#route?.handler.handler,
      state: this.#state,
      since: this.#since,
      lastError: this.#lastError,
      failures: this.#failures,
      lastReached: this.#lastReached,
      source: this.#known.source,
      version: this.#version,
      availableSpace: this.#availableSpace,
      leaving: this.leaving,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    const ending = this.#looks?.end();
    // So that a server that answers nothing cannot hold up the end.
    await this.#pool?.destroy();
    await ending;
  }

  listShares: StorageServer['listShares'] = (...request) => this.#questions.listShares(...request);
  allocate: StorageServer['allocate'] = (storageIndex, shareNumbers, shareSize, uploadSecret, signal) =>
    this.#ask((client) =>
      client.allocate(storageIndex, shareNumbers, shareSize, this.#own(uploadSecret), signal),
    );
  store: StorageServer['store'] = (...request) => this.#ask((client) => client.store(...request));
  readWhole: StorageServer['readWhole'] = (...request) => this.#questions.readWhole(...request);
  findShares: StorageServer['findShares'] = (...request) =>
    this.#ask((client) => client.findShares(...request));
  write: StorageServer['write'] = (storageIndex, shareNumber, offset, data, uploadSecret, signal) =>
    this.#ask((client) =>
      client.write(storageIndex, shareNumber, offset, data, this.#own(uploadSecret), signal),
    );
  abort: StorageServer['abort'] = (storageIndex, shareNumber, uploadSecret) =>
    this.#ask((client) => client.abort(storageIndex, shareNumber, this.#own(uploadSecret)));
  read: StorageServer['read'] = (...request) => this.#ask((client) => client.read(...request));
  renewLease: StorageServer['renewLease'] = (...request) =>
    this.#ask((client) => client.renewLease(...request));
  reportCorruption: StorageServer['reportCorruption'] = (...request) =>
    this.#ask((client) => client.reportCorruption(...request));

  /** Why the certificate that this server has shown is not its own; undefined where it is. */
  #claim(certificates: CertificateHolders, tubId: Uint8Array): string | undefined {
    if (this.#closed) return unwanted;
    const byOperator = this.#known.source === operatorSource;
    const holder = certificates.claim(tubId, { id: this.id, byOperator });
    return holder === this.id
      ? undefined
      : `the server shows the certificate of ${holder}, which is used already: forget that server, or name this one in connections.yaml`;
  }

  /** What this server is told instead of an upload's secret: another at each, so that none can be compared. */
  #own(uploadSecret: Uint8Array): Uint8Array {
    return createHmac('sha256', uploadSecret).update(this.id).digest();
  }

  /** Does what is asked; where the server cannot be reached for it, looks at once whether it is still there. */
  async #ask<T>(request: (client: StorageClient) => Promise<T>): Promise<T> {
    if (!this.#client)
      throw new StorageServerError('unreachable', this.nickname, this.#lastError ?? 'no address');
    try {
      const answer = await request(this.#client);
      this.#lastReached = new Date();
      return answer;
    } catch (error) {
      if (error instanceof StorageServerError) this.#doubt(error);
      throw error;
    }
  }

  /** A server that could not be reached for a request is looked at; one that fell silent is not used until it answers. */
  #doubt({ code, status, message }: StorageServerError): void {
    if (status !== undefined || code === 'aborted') return;
    if (code === 'timeout') this.#fail(code, message);
    this.#looks?.doubt();
  }

  /** @param patience milliseconds for making a connection, beyond those that an answer may take */
  async #look(client: StorageClient, patience: number): Promise<boolean> {
    const began = performance.now();
    try {
      const version = await client.version(patience);
      this.#version = version.applicationVersion;
      this.#availableSpace = clamp(version.availableSpace);
      this.#maximumShareSize = clamp(version.maximumImmutableShareSize);
      this.#wholeShares = version.extensions.includes(wholeSharesExtension);
      this.#findMany = version.extensions.includes(findManyExtension);
      this.#saysLeaving = version.leaving;
      this.#lastReached = new Date();
      this.#become('connected', undefined);
      return true;
    } catch (error) {
      const code = error instanceof StorageServerError ? error.code : 'error';
      this.#fail(code, (error as Error).message);
      // Shares that are being sent to it are not waited for any longer.
      if (code === 'timeout' || code === 'unreachable') client.endSilent(began);
      this.#pool?.rest();
      return false;
    }
  }

  #fail(code: string, error: string): void {
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
    this.#become('unreachable', error);
  }

  #become(state: ServerStatus['state'], error: string | undefined): void {
    this.#lastError = error ?? this.#lastError;
    if (state === this.#state) return;
    this.#state = state;
    this.#since = new Date();
    if (this.#closed) return;
    const server = { serverId: this.id, server: this.nickname, address: this.#address };
    if (state === 'connected') this.#logger.info(server, 'storage server connected');
    else this.#logger.warn({ ...server, error }, 'storage server cannot be reached');
  }
}

/** How much longer than usual a first answer may take: proxies are slow, and each way may have to be tried. */
function patienceWith(routes: readonly Route[]): number {
  const byProxy = routes.filter(({ handler }) => handler.handler !== 'tcp');
  return byProxy.reduce((sum, route) => sum + dialTimeout(route), 0);
}

function clamp(value: bigint): number {
  return Number(value > BigInt(Number.MAX_SAFE_INTEGER) ? BigInt(Number.MAX_SAFE_INTEGER) : value);
}
