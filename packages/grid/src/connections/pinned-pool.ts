import { createHash, timingSafeEqual } from 'node:crypto';
import { createSecureContext, type TLSSocket } from 'node:tls';
import { buildConnector, Pool } from 'undici';
import { StorageServerError } from '../errors.js';

/** Where a server is and which key it must show. */
export interface PinnedAddress {
  readonly host: string;
  readonly port: number;
  /** SHA-256 of the SubjectPublicKeyInfo, 32 bytes (docs: url.rst, "Version 1"). */
  readonly spkiHash: Uint8Array;
}

/** Most connections to one server at a time; more requests wait for one of them. */
const connectionsPerServer = 8;
const connectTimeout = 10_000;

/**
 * A pool of HTTPS connections to one server, which shares nothing with any other server's: its own TLS context, no
 * session kept, no client certificate. The server's key is checked against its pin before the first byte of a
 * request; names, dates and authorities are not looked at.
 */
export function openPinnedPool({ host, port, spkiHash }: PinnedAddress): Pool {
  const secureContext = createSecureContext({ minVersion: 'TLSv1.2' });
  const connect = buildConnector({
    secureContext,
    rejectUnauthorized: false,
    // A resumed session shows no certificate to check, and a ticket is a name that a server gives its client.
    maxCachedSessions: 0,
    timeout: connectTimeout,
    keepAlive: true,
  });
  return new Pool(`https://${host.includes(':') ? `[${host}]` : host}:${port}`, {
    connections: connectionsPerServer,
    pipelining: 1,
    keepAliveTimeout: 60_000,
    keepAliveMaxTimeout: 300_000,
    headersTimeout: 30_000,
    bodyTimeout: 30_000,
    connect: (options, callback) => {
      connect(options, (...result) => {
        const [error, socket] = result;
        if (error || !socket) {
          callback(error ?? new Error('no connection'), null);
          return;
        }
        if (showsPinnedKey(socket as TLSSocket, spkiHash)) {
          callback(null, socket);
          return;
        }
        socket.destroy();
        const message = 'the server shows another key than its NURL names';
        callback(new StorageServerError('wrong-certificate', `${host}:${port}`, message), null);
      });
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
