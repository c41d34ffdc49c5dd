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
 * The given-up server whose files are to be seen to next: one that is known to have some, else each by turns. A check that
 * was begun before, or by a repairer that has not heard of it yet, may put shares back on record at any time, after all
 * were struck off: no note of that could be relied on, so it is looked for again and again.
 *
 * @param last the key of the server that was seen to last
 */
export function nextToStrike(servers: readonly LookedAtServer[], last: number): LookedAtServer | undefined {
  const gone = servers.filter(({ state }) => state === 'gone').sort((a, b) => a.key - b.key);
  return gone.find(({ toStrike }) => toStrike) ?? gone.find(({ key }) => key > last) ?? gone[0];
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
  if (!server.toStrike && !(await hasSharesOnRecord(database.pool, grid, server.key))) return 0;
  return database.transaction(async (client) => {
    const files = await filesWithSharesOn(client, grid, server.key, { most: batch, servers });
    if (files.length > 0) {
      const struck = files.map((file) => withoutShares(file, server.serverId, servers, terms));
      await strikeShares(client, grid, server.key, struck);
    }
    // A file whose check is just being written down was passed over.
    const toStrike = files.length === batch || (await hasSharesOnRecord(client, grid, server.key));
    if (toStrike !== server.toStrike) await changeServers(client, grid, [{ ...server, toStrike }]);
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
