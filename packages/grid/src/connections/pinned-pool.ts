import { createHash, timingSafeEqual } from 'node:crypto';
import { createSecureContext, type TLSSocket } from 'node:tls';
import { dial, type Route, type StreamIsolation } from '@holdfast/common/connections';
import { formatNetworkLocation } from '@holdfast/lafs';
import { buildConnector, Pool } from 'undici';
import { StorageServerError } from '../errors.js';

/** Where a server is and which key it must show. */
export interface PinnedAddress {
  /** The ways to it, best first. */
  readonly routes: readonly [Route, ...Route[]];
  /** SHA-256 of the SubjectPublicKeyInfo, 32 bytes (docs: url.rst, "Version 1"). */
  readonly spkiHash: Uint8Array;
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
 * pin before the first byte of a request; names, dates and authorities are not looked at.
 */
export function openPinnedPool(address: PinnedAddress): Pool {
  const { routes, spkiHash, isolation, signal, onRoute } = address;
  const secureContext = createSecureContext({ minVersion: 'TLSv1.2' });
  const secure = buildConnector({
    secureContext,
    rejectUnauthorized: false,
    // A resumed session shows no certificate to check, and a ticket is a name that a server gives its client.
    maxCachedSessions: 0,
    timeout: handshakeTimeout,
    keepAlive: true,
  });
  let best = routes[0];

  async function connectBy(route: Route, options: buildConnector.Options): Promise<TLSSocket> {
    const httpSocket = await dial(route, { isolation, signal });
    const socket = await new Promise<TLSSocket>((resolve, reject) => {
      secure({ ...options, httpSocket }, (error, made) =>
        made ? resolve(made as TLSSocket) : reject(error ?? new Error('no connection')),
      );
    }).catch((error: Error) => {
      httpSocket.destroy();
      throw error;
    });
    if (showsPinnedKey(socket, spkiHash)) return socket;
    socket.destroy();
    const message = 'the server shows another key than its NURL names';
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

function showsPinnedKey(socket: TLSSocket, pin: Uint8Array): boolean {
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return false;
  const shown = createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
  return shown.length === pin.length && timingSafeEqual(shown, pin);
}
