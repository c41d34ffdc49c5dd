/** What an operator and a container platform ask of every service: is it alive, can it serve, what does it count. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HostPort } from '../configuration/index.js';
import type { Registry } from '../metrics/index.js';

/** A named condition of readiness: true, or what is missing. */
export type ReadinessCheck = () => true | string;

/** What the operator port shows. */
export interface OperatorPortOptions {
  readonly listen: HostPort;
  readonly registry: Registry;
  readonly checks: Readonly<Record<string, ReadinessCheck>>;
}

/** A running operator port. */
export interface OperatorPort {
  readonly address: AddressInfo;
  close(): Promise<void>;
}

/**
 * Serves `/healthz` (200 while the process answers), `/readyz` (200 when every check is true, else 503; either way
 * a JSON object of all checks) and `/metrics` (Prometheus text).
 *
 * @throws the system's error where the address cannot be listened at
 */
export async function openOperatorPort({
  listen,
  registry,
  checks,
}: OperatorPortOptions): Promise<OperatorPort> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    const answer = (status: number, type: string, body: string) => {
      response
        .writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
        .end(body);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD')
      answer(405, 'text/plain', 'only GET and HEAD\n');
    else if (path === '/healthz') answer(200, 'text/plain', 'ok\n');
    else if (path === '/readyz') {
      const results = Object.fromEntries(Object.entries(checks).map(([name, check]) => [name, check()]));
      const ready = Object.values(results).every((result) => result === true);
      answer(ready ? 200 : 503, 'application/json', `${JSON.stringify({ ready, checks: results })}\n`);
    } else if (path === '/metrics') {
      registry.metrics().then(
        (text) => answer(200, registry.contentType, text),
        (error: Error) => answer(500, 'text/plain', `${error.message}\n`),
      );
    } else answer(404, 'text/plain', 'here are /healthz, /readyz and /metrics\n');
  });
  await listening(server, listen);
  return {
    address: server.address() as AddressInfo,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Starts to listen; rejects where the address is taken or not ours. */
function listening(server: Server, { host, port }: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
