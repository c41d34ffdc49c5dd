import type { Database } from '@holdfast/common/database';
import { isRepairWorthwhile, timeToSpreadCheck } from '../decisions/index.js';
import { healthOnRecord } from '../file-record.js';
import type { RecordedServers } from '../recorded-servers.js';
import {
  filesWithSharesOn,
  hasSharesOnRecord,
  type RecordedFile,
  type StruckFile,
  strikeShares,
} from '../records/given-up-shares.js';
import { changeServers, type LookedAtServer } from '../records/server-records.js';
import type { WatchTerms } from '../terms.js';

/** Most files that are seen to at a time. */
const batch = 500;

/** What striking shares off needs. */
export interface StrikeOptions {
  readonly database: Database;
  readonly grid: string;
  readonly terms: WatchTerms;
}

/**
 * Sees to some of the files that have shares on record which are on a server that was given up: strikes these off, and
 * asks for the repair of those that now need it, without waiting for their checks.
 *
 * @returns how many
 */
export async function strikeGone(
  server: LookedAtServer,
  servers: RecordedServers,
  { database, grid, terms }: StrikeOptions,
): Promise<number> {
  return database.transaction(async (client) => {
    const files = await filesWithSharesOn(client, grid, server.key, { most: batch, servers });
    if (files.length > 0) {
      const struck = files.map((file) => withoutShares(file, server.serverId, servers, terms));
      await strikeShares(client, grid, server.key, struck);
    }
    // A file that is just being checked was passed over.
    if (files.length < batch && !(await hasSharesOnRecord(client, grid, server.key)))
      await changeServers(client, grid, [{ ...server, toStrike: false }]);
    return files.length;
  });
}

function withoutShares(
  file: RecordedFile,
  gone: string,
  servers: RecordedServers,
  terms: WatchTerms,
): StruckFile {
  const { storageIndex, needed, expected } = file;
  const shares = file.shares.filter(({ serverId }) => serverId !== gone);
  if (needed === undefined || expected === undefined)
    return { storageIndex, health: undefined, nextCheckIn: 0, worthwhile: false };
  const health = healthOnRecord({ shares, needed, expected }, servers.stateOf);
  return {
    storageIndex,
    health,
    nextCheckIn: timeToSpreadCheck(health, terms.period, Math.random()),
    worthwhile: isRepairWorthwhile(health, terms.threshold, servers.usable),
  };
}
