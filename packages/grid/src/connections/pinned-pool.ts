import { createHash, timingSafeEqual, type X509Certificate } from 'node:crypto';
import { createSecureContext, type TLSSocket } from 'node:tls';
import { dial, type Route, type StreamIsolation } from '@holdfast/common/connections';
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
  /** What a proxy is to know these connections by; no other server's. */
  readonly isolation: StreamIsolation;
  /** Ends connections that are being made. */
  readonly signal: AbortSignal;
  /** Called with the way that a connection was made by. */
  readonly onRoute?: (route: Route) => void;
}

/** Most connections to one server at a time; more requests wait for one of them. */
const connectionsPerServer = 8;
const handshakeTimeout = 10_000;

/**
 * A pool of HTTPS connections to one server, which shares nothing with any other server's: its own TLS context, no
 * session kept, no client certificate, and before a proxy a name of its own. The server's key is checked against its
 * pin, and its certificate against its tub id, before the first byte of a request; names, dates and authorities are not
 * looked at.
 */
export function openPinnedPool(address: PinnedAddress): Pool {
  const { routes, isolation, signal, onRoute } = address;
  let made: buildConnector.connector | undefined;
  let best = routes[0];

  /** Made with the first connection that there is: thousands of servers that are away would cost seconds and memory. */
  function secure(...handshake: Parameters<buildConnector.connector>): void {
    made ??= buildConnector({
      secureContext: createSecureContext({ minVersion: 'TLSv1.2' }),
      rejectUnauthorized: false,
      // A resumed session shows no certificate to check, and a ticket is a name that a server gives its client.
      maxCachedSessions: 0,
      timeout: handshakeTimeout,
      keepAlive: true,
    });
    made(...handshake);
  }

  async function connectBy(route: Route, options: buildConnector.Options): Promise<TLSSocket> {
    const httpSocket = await dial(route, { isolation, signal });
    const socket = await new Promise<TLSSocket>((resolve, reject) => {
      secure({ ...options, httpSocket }, (error, secured) =>
        secured ? resolve(secured as TLSSocket) : reject(error ?? new Error('no connection')),
      );
    }).catch((error: Error) => {
      httpSocket.destroy();
      throw error;
    });
    const message = whyWrong(socket.getPeerX509Certificate(), address);
    if (message === undefined) return socket;
    socket.destroy();
    throw new StorageServerError('wrong-certificate', formatNetworkLocation(route.location), message);
  }

  /** By the way that worked last, or else by any other. */
  async function connect(options: buildConnector.Options): Promise<TLSSocket> {
    const failures: { route: Route; error: Error }[] = [];
    for (const route of [best, ...routes.filter((other) => other !== best)]) {
      try {
        const socket = await connectBy(route, options);
        best = route;
        onRoute?.(route);
        return socket;
      } catch (error) {
        failures.push({ route, error: error as Error });
        if (signal.aborted) break;
      }
    }
    const [only, ...more] = failures;
    if (only && more.length === 0) throw only.error;
    const each = failures.map(
      ({ route, error }) => `${formatNetworkLocation(route.location)}: ${error.message}`,
    );
    throw Object.assign(new Error(each.join('; ')), { code: 'UND_ERR_CONNECT' });
  }

  return new Pool(`https://${formatNetworkLocation(routes[0].location)}`, {
    connections: connectionsPerServer,
    pipelining: 1,
    keepAliveTimeout: 60_000,
    keepAliveMaxTimeout: 300_000,
    headersTimeout: 30_000,
    bodyTimeout: 30_000,
    connect: (options, callback) => {
      connect(options).then(
        (socket) => callback(null, socket),
        (error: Error) => callback(error, null),
      );
    },
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
