import { createHash, timingSafeEqual, type X509Certificate } from 'node:crypto';
import { createSecureContext, type TLSSocket } from 'node:tls';
import { dial, freshIsolation, type Route, type StreamIsolation } from '@holdfast/common/connections';
import { spkiHash } from '@holdfast/common/identity';
import { formatNetworkLocation } from '@holdfast/lafs';
import { buildConnector, Pool } from 'undici';
import { StorageServerError } from '../errors.js';

/** Where a server is and which certificate it must show. */
export interface PinnedAddress {
  /** The ways to it, best first. */
  readonly routes: readonly [Route, ...Route[]];
  /** SHA-256 of the SubjectPublicKeyInfo, 32 bytes (docs: url.rst, "Version 1"). */
  readonly spkiHash: Uint8Array;
  /** SHA-1 of the certificate, 20 bytes: the tub id of its FURL, which the secrets that it is told are made of. */
  readonly tubId: Uint8Array;
  /** Called when the server has shown that certificate; returns why it must not be used all the same. */
  readonly refuse: () => string | undefined;
  /** Called with the way that a connection was made by. */
  readonly onRoute?: (route: Route) => void;
  /** Called when a connection has ended. */
  readonly onDisconnect: () => void;
}

/** Most connections to one server at a time. */
const connectionsPerServer = 9;
const handshakeTimeout = 10_000;
const unwanted = 'nobody waits for this connection any more';

/**
 * A pool of HTTPS connections to one server, which shares nothing with any other server's: its own TLS context, no
 * session kept, no client certificate, and before a proxy a name of its own. The server's key is checked against its
 * pin, and its certificate against its tub id, before the first byte of a request; names, dates and authorities are not
 * looked at.
 *
 * It is opened when a first connection has been made, and may be closed while the server is away: thousands of servers
 * that are away would cost seconds and much memory.
 */
export class PinnedPool {
  readonly #address: PinnedAddress;
  /** What a proxy knows these connections by: for as long as the server is known, or each try would be a new circuit. */
  #isolation: StreamIsolation | undefined;
  #best: Route;
  #secure: buildConnector.connector | undefined;
  #pool: Pool | undefined;
  #opening: Promise<Pool> | undefined;
  /** The connection that the pool was opened with, until it is used. */
  #first: TLSSocket | undefined;
  /** Ends each connection that is being made. */
  readonly #connecting = new Set<AbortController>();
  #destroyed = false;

  constructor(address: PinnedAddress) {
    this.#address = address;
    this.#best = address.routes[0];
  }

  /** The pool, where it is open. */
  get current(): Pool | undefined {
    return this.#pool;
  }

  /** Opens the pool with a first connection, where it is not open. Rejects as that connection fails. */
  open(): Promise<Pool> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Closes the pool where nobody waits for an answer; it opens again when it is wanted. */
  rest(): void {
    const pool = this.#pool;
    if (!pool || pool.stats.size > 0) return;
    this.#forgetPool();
    pool.destroy().catch(() => undefined);
  }

  /** Ends every connection, also those that are being made, and opens none any more. */
  async destroy(): Promise<void> {
    this.#destroyed = true;
    for (const ending of this.#connecting) ending.abort();
    const pool = this.#pool;
    this.#forgetPool();
    await pool?.destroy();
  }

  #forgetPool(): void {
    this.#first?.destroy();
    this.#first = undefined;
    this.#pool = undefined;
    this.#secure = undefined;
  }

  async #open(): Promise<Pool> {
    if (this.#pool) return this.#pool;
    const { host, hostname, protocol, port, origin } = new URL(
      `https://${formatNetworkLocation(this.#address.routes[0].location)}`,
    );
    const first = await this.#connect({ host, hostname, protocol, port });
    if (this.#destroyed) {
      first.destroy();
      throw new Error(unwanted);
    }
    this.#first = first;
    this.#pool = new Pool(origin, {
      connections: connectionsPerServer,
      pipelining: 1,
      keepAliveTimeout: 60_000,
      keepAliveMaxTimeout: 300_000,
      headersTimeout: 30_000,
      bodyTimeout: 30_000,
      connect: (options, callback) => {
        const first = this.#first;
        this.#first = undefined;
        const made = first && !first.destroyed ? Promise.resolve(first) : this.#connect(options);
        made.then(
          (socket) => callback(null, socket),
          (error: Error) => callback(error, null),
        );
      },
    });
    // A server that goes away closes its idle connections first: the earliest sign that there is.
    this.#pool.on('disconnect', this.#address.onDisconnect);
    return this.#pool;
  }

  /** By the way that worked last, or else by any other. */
  async #connect(options: buildConnector.Options): Promise<TLSSocket> {
    const ending = new AbortController();
    this.#connecting.add(ending);
    const failures: { route: Route; error: Error }[] = [];
    try {
      for (const route of [this.#best, ...this.#address.routes.filter((other) => other !== this.#best)]) {
        if (this.#destroyed) break;
        try {
          const socket = await this.#connectBy(route, options, ending.signal);
          this.#best = route;
          this.#address.onRoute?.(route);
          return socket;
        } catch (error) {
          failures.push({ route, error: error as Error });
        }
      }
    } finally {
      this.#connecting.delete(ending);
    }
    if (this.#destroyed) throw new Error(unwanted);
    const [only, ...more] = failures;
    if (only && more.length === 0) throw only.error;
    const each = failures.map(
      ({ route, error }) => `${formatNetworkLocation(route.location)}: ${error.message}`,
    );
    throw Object.assign(new Error(each.join('; ')), { code: 'UND_ERR_CONNECT' });
  }

  async #connectBy(route: Route, options: buildConnector.Options, signal: AbortSignal): Promise<TLSSocket> {
    this.#isolation ??= freshIsolation();
    const httpSocket = await dial(route, { isolation: this.#isolation, signal });
    this.#secure ??= secureConnector();
    const secure = this.#secure;
    const socket = await new Promise<TLSSocket>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error(unwanted)), { once: true });
      secure({ ...options, httpSocket }, (error, secured) =>
        secured ? resolve(secured as TLSSocket) : reject(error ?? new Error('no connection')),
      );
    }).catch((error: Error) => {
      httpSocket.destroy();
      throw error;
    });
    const message = this.#destroyed ? unwanted : whyWrong(socket.getPeerX509Certificate(), this.#address);
    if (message === undefined) return socket;
    socket.destroy();
    throw new StorageServerError('wrong-certificate', formatNetworkLocation(route.location), message);
  }
}

function secureConnector(): buildConnector.connector {
  return buildConnector({
    secureContext: createSecureContext({ minVersion: 'TLSv1.2' }),
    rejectUnauthorized: false,
    // A resumed session shows no certificate to check, and a ticket is a name that a server gives its client.
    maxCachedSessions: 0,
    timeout: handshakeTimeout,
    keepAlive: true,
  });
}

function whyWrong(
  certificate: X509Certificate | undefined,
  { spkiHash: pinned, tubId, refuse }: PinnedAddress,
): string | undefined {
  if (!certificate || !isAlike(spkiHash(certificate), pinned))
    return 'the server shows another key than its NURL names';
  if (!isAlike(createHash('sha1').update(certificate.raw).digest(), tubId))
    return 'the server shows another certificate than the tub id of its FURL names';
  return refuse();
}

function isAlike(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
