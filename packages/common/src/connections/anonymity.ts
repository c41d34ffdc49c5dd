import { BlockList, isIP } from 'node:net';
import * as z from 'zod';
import type { HostPort } from '../configuration/values.js';
import { type ConnectionTypes, connectionTypes, defaultConnectionTypes } from './connection-types.js';
import { routesFor, transportOf } from './routes.js';

/**
 * The field of every `node.yaml` that says whether the node hides where it is: then it makes no direct connection and
 * looks up no name, unless the clause of a server or an introducer says otherwise.
 */
export const anonymousSetting = z.boolean('expected true or false').default(false);

/** How a node without a `connections.yaml` reaches the bus of its `node.yaml`, and whether it hides where it is. */
export const busSettings = {
  anonymous: anonymousSetting,
  connection_types: connectionTypes.optional(),
};

/** What of a `node.yaml` could tell where the node is. */
export interface RevealingSettings {
  readonly anonymous: boolean;
  readonly postgres: string;
  readonly operator: { readonly listen: HostPort };
  /** Where it serves others. */
  readonly listen?: HostPort;
  /** Where others are told to find it. */
  readonly locations?: readonly HostPort[];
  /** Where there is a field for it: how the bus is reached. */
  readonly connection_types?: ConnectionTypes | undefined;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether an address is this machine's own; no name is. */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/** Refuses, at its field, each setting of an anonymous node that would tell where it is. */
export function refuseRevealing(settings: RevealingSettings, context: z.RefinementCtx): void {
  if (!settings.anonymous) return;
  const refuse = (path: PropertyKey[], expected: string) =>
    context.addIssue({ code: 'custom', path, message: `an anonymous node ${expected}` });
  if (!isOwnPostgres(settings.postgres))
    refuse(['postgres'], 'needs its Postgres at a Unix socket or at a loopback address such as 127.0.0.1');
  if (!isIP(settings.operator.listen.host))
    refuse(['operator', 'listen'], 'looks up no name: expected an IP address');
  if (settings.listen && settings.locations && !isLoopback(settings.listen.host))
    refuse(['listen'], 'is reached through a hidden service only: expected a loopback address');
  else if (settings.listen && !isIP(settings.listen.host))
    refuse(['listen'], 'looks up no name: expected an IP address');
  settings.locations?.forEach((location, index) => {
    if (transportOf({ transport: 'tcp', ...location }) === 'tcp')
      refuse(['locations', index], 'tells of no place but .onion and .i2p');
  });
  refuseDirect(settings.connection_types, refuse);
}

/** Refuses what of a map of connection types for everything would tell where an anonymous node is. */
export function refuseDirect(
  types: ConnectionTypes | undefined,
  refuse: (path: PropertyKey[], expected: string) => void,
): void {
  if (types?.tcp?.handler === 'tcp')
    refuse(
      ['connection_types', 'tcp'],
      'makes direct connections only where the clause of one server or introducer says so',
    );
  refuseNamedProxies(types, (kind, expected) => refuse(['connection_types', ...kind], expected));
}

/** Refuses proxies whose name would have to be looked up. */
export function refuseNamedProxies(
  types: ConnectionTypes | undefined,
  refuse: (path: PropertyKey[], expected: string) => void,
): void {
  for (const [kind, handler] of Object.entries(types ?? {})) {
    if (!handler || !('parameters' in handler)) continue;
    const { endpoint } = handler.parameters;
    if ('host' in endpoint && !isIP(endpoint.host))
      refuse([kind, 'parameters', 'endpoint'], 'looks up no name: expected a Unix socket or an IP address');
  }
}

/** What is wrong where `canReachBus` says no. */
export const noWayToBus =
  'an anonymous node reaches a bus on another machine through a proxy only, and connection_types has none for it';

/** Whether a map has a handler for a bus. */
export function canReachBus(bus: string, types: ConnectionTypes): boolean {
  return routesFor([{ transport: 'tcp', host: hostOf(new URL(bus)), port: 1 }], types).length > 0;
}

/** Refuses an anonymous node that has a bus and no way to it. */
export function refuseUnreachableBus(
  settings: Pick<RevealingSettings, 'anonymous' | 'connection_types'> & { readonly bus: string },
  context: z.RefinementCtx,
): void {
  const { anonymous, bus, connection_types: types } = settings;
  if (!anonymous || canReachBus(bus, ownBusTypes(settings, types))) return;
  context.addIssue({ code: 'custom', path: ['bus'], message: noWayToBus, input: new URL(bus).host });
}

/**
 * How a node reaches the bus of its `node.yaml`. That of an anonymous node may be on the same machine, to which a
 * connection tells nobody anything.
 */
export function ownBusTypes(
  settings: { readonly anonymous: boolean; readonly bus: string },
  types: ConnectionTypes | undefined,
): ConnectionTypes {
  if (!settings.anonymous) return types ?? defaultConnectionTypes;
  return isLoopback(hostOf(new URL(settings.bus))) ? { ...defaultConnectionTypes, ...types } : (types ?? {});
}

function isOwnPostgres(url: string): boolean {
  const place = new URL(url);
  const host = place.searchParams.get('host') ?? hostOf(place);
  return host.startsWith('/') || isLoopback(host);
}

/** Without the brackets of an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return decodeURIComponent(hostname).replace(/^\[(.*)\]$/, '$1');
}
