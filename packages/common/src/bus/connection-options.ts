import { isIP } from 'node:net';
import {
  defaultConnectionTypes,
  dial,
  explainNoRoute,
  freshIsolation,
  type Hint,
  type Route,
  routesFor,
} from '../connections/index.js';
import type { BusOptions } from './bus.js';
import type { DialledConnectionOptions } from './dialled-transport.js';

const shortestWait = 100;
const longestWait = 4_000;
const usualPort = 4222;

type Access = Pick<BusOptions, 'url' | 'ca'>;

/** Circuits are built slowly, and the server's answer comes by them too. */
const proxiedTimeout = 60_000;

/**
 * What the NATS client is told of a bus.
 *
 * @param signal ends connections that are being made
 * @throws Error where no handler may reach it
 */
export function connectionOptions(options: BusOptions, signal: AbortSignal): DialledConnectionOptions {
  const { url, ca, untrusted, name, connectTimeout } = options;
  const { protocol, username } = new URL(url);
  let access: Access = options;
  const route = busRoute(options);
  const proxied = route.handler.handler !== 'tcp';
  const place = proxied ? byProxy(route, signal) : directly(url, signal);
  const tls =
    ca !== undefined || protocol === 'tls:'
      ? { ...expectedAt(route, ca), ...(untrusted ? { rejectUnauthorized: false } : {}) }
      : undefined;
  const timeout = connectTimeout ?? (proxied ? proxiedTimeout : undefined);
  let wait = shortestWait;
  let lastTry = 0;
  return {
    name,
    ...(timeout === undefined ? {} : { timeout }),
    ...(username ? { authenticator: () => userOf(access) } : {}),
    // What a guarded bus lets this user, and no other, listen to (deploy/nats).
    ...(/^[\w-]+$/.test(username) ? { inboxPrefix: `_INBOX.${username}` } : {}),
    ...place,
    dial: async (chosen) => {
      access = (await options.readAgain?.()) ?? access;
      if (tls && access.ca !== undefined) tls.ca = access.ca;
      return place.dial(chosen);
    },
    ...(tls ? { tls } : {}),
    maxReconnectAttempts: -1,
    // Other servers of its cluster would be reached in no way that was allowed.
    ignoreClusterUpdates: true,
    // Half of the wait is chance, so that the clients of a bus that comes back do not all knock at once.
    reconnectDelayHandler: () => {
      const now = Date.now();
      wait = now - lastTry > 4 * longestWait ? shortestWait : Math.min(wait * 2, longestWait);
      lastTry = now;
      return wait * (0.5 + Math.random() / 2);
    },
    pingInterval: 20_000,
    ignoreAuthErrorAbort: true,
  };
}

/**
 * How a bus is reached.
 *
 * @throws Error where no handler may reach it
 */
export function busRoute({
  url,
  connectionTypes = defaultConnectionTypes,
}: Pick<BusOptions, 'url' | 'connectionTypes'>): Route {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const hints: Hint[] = [{ transport: 'tcp', host, port: port === '' ? usualPort : Number(port) }];
  const [route] = routesFor(hints, connectionTypes);
  if (!route) throw new Error(explainNoRoute(hints, connectionTypes));
  return route;
}

/** As whom the bus is spoken with. */
function userOf({ url }: Access): { user: string; pass: string } {
  const { username, password } = new URL(url);
  return { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
}

/** Whose certificate is expected. The library would take an IP address for the name `localhost`. */
function expectedAt(
  { location: { host } }: Route,
  ca: string | undefined,
): NonNullable<DialledConnectionOptions['tls']> {
  return { ...(isIP(host) ? { host } : { servername: host }), ...(ca === undefined ? {} : { ca }) };
}

function directly(url: string, signal: AbortSignal): DialledConnectionOptions {
  const { host } = new URL(url);
  const isolation = freshIsolation();
  return {
    // The library's own goes on after it was given up, and keeps the process from ending.
    dial: ({ hostname, port }) => {
      const location = { host: hostname, port };
      return dial({ location, handler: { handler: 'tcp' } }, { isolation, signal });
    },
    servers: host,
  };
}

function byProxy(route: Route, signal: AbortSignal): DialledConnectionOptions {
  const isolation = freshIsolation();
  return {
    dial: () => dial(route, { isolation, signal }),
    // Not told to the library, so that nothing in it can look the name up or go there by itself.
    servers: 'bus.invalid',
    resolve: false,
  };
}
