import { Bus } from '@holdfast/common/bus';
import { busAccess } from '@holdfast/common/configuration';
import { ownBusTypes } from '@holdfast/common/connections';
import { silentLogger } from '@holdfast/common/logging';
import { accountSubjects } from '@holdfast/storage';
import type { StorageNode } from './storage-node.js';

const patience = 2_000;

/**
 * Tells the storage servers that run that accounts, how long leases last, or who of them is leaving has changed; where
 * the bus cannot be reached in two seconds, says so on standard error. The change is in Postgres and does not depend on
 * it: servers that are not told look by themselves within a minute.
 */
export async function tellServers(node: StorageNode): Promise<void> {
  if (await publishChange(node)) return;
  process.stderr.write('The bus cannot be reached: servers that run learn of it within a minute.\n');
}

/** @returns false where the bus could not be reached */
async function publishChange({ dir, configuration }: StorageNode): Promise<boolean> {
  const bus = new Bus({
    ...(await busAccess(dir, 'bus', configuration.bus)),
    connectionTypes: ownBusTypes(configuration, configuration.connection_types),
    name: 'holdfast',
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
