import { join } from 'node:path';
import { type BusAccess, busAccess, ConfigurationError } from '../configuration/index.js';
import {
  type ConnectionTypes,
  canReachBus,
  defaultConnectionTypes,
  noWayToBus,
  ownBusTypes,
} from '../connections/index.js';
import type { IntroducersSetting } from './introducers-setting.js';

/** How an introducer is spoken with. */
export interface IntroducerAccess extends BusAccess {
  /** How its bus is reached. */
  readonly connectionTypes: ConnectionTypes;
}

/** The name of the introducer on the bus of `node.yaml`, where the node names none. */
export const defaultIntroducer = 'default';

/**
 * The introducers of a node by name, with what `private/introducer-NAME.…` says of each.
 *
 * @param introducers the field of its configuration
 * @param forAll how those are reached that have no map of their own; directly where not given, and in no way by an
 *   anonymous node
 * @throws ConfigurationError where an anonymous node has no way to the bus of its `node.yaml`, and needs it
 */
export async function readIntroducers(
  dir: string,
  node: { readonly anonymous: boolean; readonly bus: string },
  introducers: IntroducersSetting,
  forAll: ConnectionTypes | undefined,
): Promise<Map<string, IntroducerAccess>> {
  if (introducers === undefined) {
    return new Map([[defaultIntroducer, await readOwnBus(dir, node, forAll)]]);
  }
  const usual = forAll ?? (node.anonymous ? {} : defaultConnectionTypes);
  const access = new Map<string, IntroducerAccess>();
  for (const [name, { url, connection_types: connectionTypes = usual }] of Object.entries(introducers))
    access.set(name, { ...(await busAccess(dir, `introducer-${name}`, url)), connectionTypes });
  return access;
}

/**
 * How the bus of `node.yaml` is reached, with what `private/bus.…` says of it.
 *
 * @throws ConfigurationError where an anonymous node has no way to it
 */
export async function readOwnBus(
  dir: string,
  node: { readonly anonymous: boolean; readonly bus: string },
  forAll: ConnectionTypes | undefined,
): Promise<IntroducerAccess> {
  const connectionTypes = ownBusTypes(node, forAll);
  if (node.anonymous && !canReachBus(node.bus, connectionTypes))
    throw new ConfigurationError(join(dir, 'node.yaml'), undefined, 'bus', noWayToBus);
  return { ...(await busAccess(dir, 'bus', node.bus)), connectionTypes };
}
