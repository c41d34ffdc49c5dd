import type { Database } from '@holdfast/common/database';
import type { WatchStatus } from '@holdfast/common/repairs';
import { RecordedServers } from './recorded-servers.js';
import { type NetworkRecord, readNetwork } from './records/network-record.js';
import { listServers } from './records/server-records.js';
import { watchedCounts } from './records/watched-counts.js';

/** How the watch of a grid is doing, by what its repairers have written down. */
export async function watchStatus(database: Database, grid: string): Promise<WatchStatus> {
  const files = await watchedCounts(database.pool, grid);
  const servers = new RecordedServers(await listServers(database.pool, grid));
  const network = await readNetwork(database.pool, grid);
  return {
    files: files.map(({ spare, files }) => ({ spare: spare ?? null, files })),
    servers: servers.states,
    alarm: alarmOf(network),
    scheduler: network?.scheduler ?? null,
  };
}

/** Null where the network is not suspected. */
export function alarmOf(record: NetworkRecord | undefined): WatchStatus['alarm'] {
  if (!record?.network.suspected) return null;
  const { network, since } = record;
  return { reason: network.reason ?? null, since: (since ?? new Date()).toISOString() };
}
