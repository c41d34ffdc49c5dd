import { duration } from '@holdfast/common/configuration';
import { valueFrom } from '../arguments.js';
import { formatDuration } from '../format-duration.js';
import { type StorageNode, withStorageNode } from '../nodes/storage-node.js';
import { tellServers } from '../nodes/tell-servers.js';
import { requireCurrentRecords } from './current-records.js';

const commandName = 'holdfast storage lease-duration';

/**
 * How long leases last at the servers of a database whose accounts say nothing of it.
 *
 * @param dir the folder of a storage server, or of a lab: then that of its first storage server
 * @returns what to print
 * @throws ConfigurationError, NotStorageError, or Postgres' own error
 */
export function showLeaseDuration(dir: string, json: boolean): Promise<string> {
  return withStorageNode(dir, commandName, (node) => describeLeaseDuration(node, json));
}

/**
 * Sets how long they last that begin or are renewed from now on, and says so to the servers that run.
 *
 * @param text a duration, or `none`: as each server is configured
 * @returns what to print
 * @throws UsageError, RecordsNotCurrentError, and as `showLeaseDuration`
 */
export function changeLeaseDuration(dir: string, text: string, json: boolean): Promise<string> {
  const wanted = text === 'none' ? undefined : valueFrom(duration, text);
  return withStorageNode(dir, commandName, async (node) => {
    // What is changed in records that are too old is lost when they are recovered.
    await requireCurrentRecords(node);
    const { setLeaseDefault } = await import('@holdfast/storage');
    await setLeaseDefault(node.database, wanted);
    await tellServers(node);
    return describeLeaseDuration(node, json);
  });
}

async function describeLeaseDuration(
  { database, configuration }: StorageNode,
  json: boolean,
): Promise<string> {
  const { leaseDefault } = await import('@holdfast/storage');
  const ofAll = await leaseDefault(database);
  const here = configuration.leases.duration / 1000;
  const leaseSeconds = ofAll === undefined ? null : ofAll / 1000;
  if (json) return `${JSON.stringify({ leaseSeconds, configuredHere: here })}\n`;
  return leaseSeconds === null
    ? `Leases last as each server is configured, at this one ${formatDuration(here)}.\n`
    : `Leases last ${formatDuration(leaseSeconds)} at all servers, but for accounts with a duration of their own.\n`;
}
