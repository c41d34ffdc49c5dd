import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { NetworkLocation } from '@holdfast/lafs';
import { SocksClient } from 'socks';
import { ProxyError } from './errors.js';
import { formatProxyEndpoint, type ProxyEndpoint } from './proxy-endpoint.js';
import type { StreamIsolation } from './stream-isolation.js';

/** How a connection through a proxy is limited and told apart. */
export interface SocksOptions {
  /** Undefined: the proxy is asked without a name. */
  readonly isolation: StreamIsolation | undefined;
  readonly signal: AbortSignal;
  /** Milliseconds until the place must be reached. */
  readonly timeout: number;
}

/** A proxy is near, so it answers soon whatever happens beyond it. */
const greetingTimeout = 5_000;
/** The longest name that a SOCKS5 request has room for. */
const longestName = 255;

/**
 * Connects to a place by a SOCKS5 proxy (RFC 1928, 1929). A name is resolved by the proxy.
 *
 * @throws ProxyError
 */
export async function dialBySocks(
  endpoint: ProxyEndpoint,
  place: NetworkLocation,
  { isolation, signal, timeout }: SocksOptions,
): Promise<Socket> {
  const problem = (stage: ProxyError['stage'], reason: string, cause?: unknown) =>
    new ProxyError(formatProxyEndpoint(endpoint), stage, reason, { cause });
  if (Buffer.byteLength(place.host) > longestName)
    throw problem('beyond', `takes no name of more than ${longestName} bytes`);

  let fail: (error: ProxyError) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failure.catch(() => undefined);
  const onAbort = () => fail(problem('proxy', 'is not needed any more'));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const overdue = setTimeout(() => fail(problem('beyond', 'did not reach it in time')), timeout);
  const silent = setTimeout(() => fail(problem('proxy', 'said nothing in time')), greetingTimeout);

  const socket = connect('path' in endpoint ? { path: endpoint.path } : { ...endpoint, noDelay: true });
  socket.on('error', () => undefined);
  onGreeting(socket, (method) => {
    clearTimeout(silent);
    // A proxy that takes no name would carry all servers' connections alike.
    if (isolation && method === 0)
      fail(problem('proxy', 'asks for no name, so it would not keep servers apart'));
  });
  try {
    await Promise.race([connected(socket, problem), failure]);
    return await Promise.race([negotiate(socket, place, isolation, timeout), failure]);
  } catch (error) {
    socket.destroy();
    if (error instanceof ProxyError) throw error;
    const [stage, reason] = readRefusal((error as Error).message);
    throw problem(stage, reason);
  } finally {
    clearTimeout(overdue);
    clearTimeout(silent);
    signal.removeEventListener('abort', onAbort);
  }
}

async function connected(
  socket: Socket,
  problem: (stage: ProxyError['stage'], reason: string, cause: unknown) => ProxyError,
): Promise<void> {
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw problem('proxy', `cannot be reached: ${(error as Error).message}`, error);
  }
}

/** Calls back with the method that the proxy chose: the second byte that it says (RFC 1928 §3). */
function onGreeting(socket: Socket, react: (method: number) => void): void {
  let seen = 0;
  const read = (data: Buffer) => {
    const method = data[1 - seen];
    seen += data.length;
    if (method === undefined) return;
    socket.off('data', read);
    react(method);
  };
  socket.on('data', read);
}

async function negotiate(
  socket: Socket,
  destination: NetworkLocation,
  isolation: StreamIsolation | undefined,
  timeout: number,
): Promise<Socket> {
  const { host, port } = destination;
  await SocksClient.createConnection({
    command: 'connect',
    destination: { host, port },
    // Where the proxy is must be said, but is not used: the connection to it is at hand.
    proxy: {
      host: 'proxy.invalid',
      port: 0,
      type: 5,
      ...(isolation && { userId: isolation.username, password: isolation.password }),
    },
    existing_socket: socket,
    timeout: timeout + 1_000,
  });
  return socket;
}

/** The library tells what went wrong in its messages only. */
function readRefusal(message: string): [ProxyError['stage'], string] {
  const reply = /^Socks5 proxy rejected connection - (\w+)$/.exec(message)?.[1];
  if (reply !== undefined && reply !== 'undefined' && reply !== 'Granted')
    return ['beyond', `cannot reach it: ${reply.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()}`];
  if (message === 'Socket closed') return ['proxy', 'closed the connection without an answer'];
  if (/no accepted authentication/.test(message))
    return ['proxy', 'takes no connection of the kind that was offered'];
  if (/Authentication failed/.test(message)) return ['proxy', 'refused the name that it was shown'];
  return ['proxy', 'answered, but not as a SOCKS5 proxy does'];
}
