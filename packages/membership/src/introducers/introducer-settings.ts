import { join } from 'node:path';
import { type BusAccess, busAccess, ConfigurationError } from '@holdfast/common/configuration';
import {
  type ConnectionTypes,
  canReachBus,
  defaultConnectionTypes,
  noWayToBus,
  ownBusTypes,
} from '@holdfast/common/connections';
import type { ConnectionsConfiguration } from '../connections/connections-configuration.js';
import type { MembershipConfiguration } from '../settings.js';

/** How an introducer is listened to. */
export interface IntroducerSettings extends BusAccess {
  /** How its bus is reached. */
  readonly connectionTypes: ConnectionTypes;
}

/** The name of the introducer on the bus of `node.yaml`, where `connections.yaml` says nothing of introducers. */
const defaultIntroducer = 'default';

/**
 * The introducers that `connections.yaml` names, with what `private/introducer-NAME.…` says of each.
 *
 * @throws ConfigurationError where an anonymous node has no way to the bus of its `node.yaml`, and needs it
 */
export async function readIntroducerSettings(
  dir: string,
  configuration: Pick<MembershipConfiguration, 'anonymous' | 'bus'>,
  { introducers, connection_types: forAll = defaultConnectionTypes }: ConnectionsConfiguration,
): Promise<Map<string, IntroducerSettings>> {
  if (introducers === undefined) {
    const connectionTypes = ownBusTypes(configuration, forAll);
    if (configuration.anonymous && !canReachBus(configuration.bus, connectionTypes))
      throw new ConfigurationError(join(dir, 'node.yaml'), undefined, 'bus', noWayToBus);
    const access = await busAccess(dir, 'bus', configuration.bus);
    return new Map([[defaultIntroducer, { ...access, connectionTypes }]]);
  }
  const settings = new Map<string, IntroducerSettings>();
  for (const [name, { url, connection_types: connectionTypes = forAll }] of Object.entries(introducers))
    settings.set(name, { ...(await busAccess(dir, `introducer-${name}`, url)), connectionTypes });
  return settings;
}
