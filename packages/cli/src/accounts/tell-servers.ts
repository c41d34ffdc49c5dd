import { Bus } from '@holdfast/common/bus';
import { busAccess } from '@holdfast/common/configuration';
import { ownBusTypes } from '@holdfast/common/connections';
import { silentLogger } from '@holdfast/common/logging';
import { accountSubjects } from '@holdfast/storage';
import type { StorageNode } from '../nodes/storage-node.js';

const patience = 2_000;

/**
 * Tells the storage servers that run that accounts have changed. The change is in Postgres and does not depend on it:
 * servers that are not told look by themselves within a minute.
 *
 * @returns false where the bus could not be reached in two seconds
 */
export async function tellServers({ dir, configuration }: StorageNode): Promise<boolean> {
  const bus = new Bus({
    ...(await busAccess(dir, 'bus', configuration.bus)),
    connectionTypes: ownBusTypes(configuration, configuration.connection_types),
    name: 'holdfast account',
    logger: silentLogger(),
    connectTimeout: patience,
  });
  try {
    const connected = await new Promise<boolean>((resolve) => {
      const givingUp = setTimeout(() => resolve(false), patience);
      bus.onConnect(() => {
        clearTimeout(givingUp);
        resolve(true);
      });
    });
    return connected && bus.publish(accountSubjects(configuration.grid).changed, {});
  } finally {
    await bus.close();
  }
}
