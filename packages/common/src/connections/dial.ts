import { once } from 'node:events';
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { joinSignals } from '../lifecycle/joined-signal.js';
import type { Route } from './routes.js';
import type { StreamIsolation } from './stream-isolation.js';

/** How long a connection may take to come about, and whose it is. */
export interface DialOptions {
  /** Shown to the proxy by the handler `tor`. */
  readonly isolation: StreamIsolation;
  readonly signal: AbortSignal;
  /** Milliseconds; where not given, `dialTimeout` of the route. */
  readonly timeout?: number;
}

/** How long a connection may take to come about, in milliseconds: circuits to hidden services are built slowly. */
export function dialTimeout({ handler }: Route): number {
  return handler.handler === 'tcp' ? 10_000 : 45_000;
}

/**
 * Opens a connection by its route's handler. Only the handler `tcp` looks up names; a proxy is given the name.
 *
 * @throws ProxyError, or the system's error of a direct connection
 */
export async function dial(route: Route, options: DialOptions): Promise<Socket> {
  const { handler, location } = route;
  const { isolation, signal, timeout = dialTimeout(route) } = options;
  const limit = { signal, timeout };
  if (handler.handler === 'tcp') return dialDirectly(location, limit);
  // Loaded only where there is a proxy: it would be 40 ms of the start of every process.
  const { dialBySocks } = await import('./dial-by-socks.js');
  const shown = handler.handler === 'tor' ? isolation : undefined;
  return dialBySocks(handler.parameters.endpoint, location, { ...limit, isolation: shown });
}

async function dialDirectly(
  location: Pick<TcpNetConnectOpts, 'host' | 'port'>,
  { signal, timeout }: { readonly signal: AbortSignal; readonly timeout: number },
): Promise<Socket> {
  const socket = connect({ ...location, noDelay: true });
  const ending = joinSignals([signal], timeout);
  try {
    await once(socket, 'connect', { signal: ending.signal });
    return socket;
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    if (signal.aborted || (error as Error).name !== 'AbortError') throw error;
    throw Object.assign(new Error('took no connection in time'), { code: 'ETIMEDOUT' });
  } finally {
    ending.release();
  }
}
