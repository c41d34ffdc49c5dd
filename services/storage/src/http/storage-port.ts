import { constants } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { HostPort } from '@holdfast/common/configuration';
import type { TlsIdentity } from '@holdfast/common/identity';

const mostConnections = 4096;
/** Milliseconds in which a client must send the head of a request. */
const headTimeout = 30_000;
/** Milliseconds without a byte after which a connection is closed. */
const idleTimeout = 120_000;
/** Most bytes of the head of a request; with more the client is told 431. */
const headSize = 16 * 1024;
/** Milliseconds that requests under way have when the server stops. */
const drainTime = 15_000;

/** The listening HTTPS server. */
export interface StoragePort {
  /** Takes no new connections, lets requests under way end, then closes. Once, however often called. */
  close(): Promise<void>;
}

/**
 * Listens for the storage protocol over TLS 1.3 with the node's own certificate. Sessions are never resumed: a ticket
 * would tell that two connections come from the same client.
 *
 * @throws the system's error where the address cannot be listened at
 */
export async function openStoragePort(
  listen: HostPort,
  tls: TlsIdentity,
  listener: RequestListener,
): Promise<StoragePort> {
  let draining = false;
  const server = createServer(
    {
      cert: tls.certificate,
      key: tls.key,
      minVersion: 'TLSv1.3',
      // AES-128 first: it is the fastest where the processor has AES, and strong enough for what is ciphertext already.
      ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
      honorCipherOrder: true,
      secureOptions: constants.SSL_OP_NO_TICKET,
      handshakeTimeout: headTimeout,
      headersTimeout: headTimeout,
      maxHeaderSize: headSize,
      // A large write over a slow line may take long; silence (idleTimeout) and next to nothing (PaceWatch) may not.
      requestTimeout: 0,
      keepAliveTimeout: idleTimeout,
    },
    (request, response) => {
      if (draining) response.setHeader('connection', 'close');
      listener(request, response);
    },
  );
  server.maxConnections = mostConnections;
  server.setTimeout(idleTimeout);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  let closing: Promise<void> | undefined;
  const drain = async () => {
    draining = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // A connection is idle once its last answer is out, and then nothing else would close it.
    const closingIdle = setInterval(() => server.closeIdleConnections(), 50);
    await Promise.race([closed, delay(drainTime, undefined, { ref: false })]);
    clearInterval(closingIdle);
    server.closeAllConnections();
  };
  return {
    close: () => {
      closing ??= drain();
      return closing;
    },
  };
}
