import { formatNetworkLocation, type NetworkLocation, type Transport } from '@holdfast/lafs';
import type { ConnectionHandler, ConnectionTypes } from './connection-types.js';

/** A place, and by what kind of network it is said to be reached. */
export interface Hint extends NetworkLocation {
  readonly transport: Transport;
}

/** A place, and the handler that connections to it are made by. */
export interface Route {
  readonly location: NetworkLocation;
  readonly handler: Exclude<ConnectionHandler, { handler: 'disabled' }>;
}

/** What a hint is looked up under: a hidden service is one, whatever the hint calls it. */
export function transportOf({ host, transport }: Hint): Transport {
  if (/\.onion\.?$/i.test(host)) return 'tor';
  if (/\.i2p\.?$/i.test(host)) return 'i2p';
  return transport;
}

/** The ways that a map allows, in the order of the hints, each place once. */
export function routesFor(hints: readonly Hint[], types: ConnectionTypes): Route[] {
  const routes = new Map<string, Route>();
  for (const hint of hints) {
    const handler = types[transportOf(hint)];
    if (handler === undefined || handler.handler === 'disabled') continue;
    const { host, port } = hint;
    const place = formatNetworkLocation({ host, port });
    if (!routes.has(place)) routes.set(place, { location: { host, port }, handler });
  }
  return [...routes.values()];
}

/** Why `routesFor` gives nothing, for people: what there is, and what would be allowed. */
export function explainNoRoute(hints: readonly Hint[], types: ConnectionTypes): string {
  const has = [...new Set(hints.map(transportOf))].join(', ');
  const allowed = (Object.keys(types) as Transport[]).filter(
    (transport) => types[transport] !== undefined && types[transport]?.handler !== 'disabled',
  );
  const may =
    allowed.length === 0 ? 'connection_types allows none' : `connection_types allows ${allowed.join(', ')}`;
  return has === '' ? `it has no address; ${may}` : `it has addresses of type ${has}; ${may}`;
}
