import type { Database } from '@holdfast/common/database';
import { silentLogger } from '@holdfast/common/logging';
import { DiskShareBackend } from '../share-backend/disk-share-backend.js';
import { RecordsNotCurrentError } from './generation.js';
import { readMark } from './mark.js';

/**
 * Lets pass a database that has our tables, and one that is as empty as it was before the server first ran.
 *
 * @param shares the share folder
 * @throws RecordsNotCurrentError where the tables are gone; MarkError, or Postgres' own error
 */
export async function requireRecords(database: Database, shares: string, serverId: string): Promise<void> {
  const { rows } = await database.pool.query<{ there: boolean }>(
    `select to_regclass('storage.servers') is not null as there`,
  );
  if (rows[0]?.there) return;
  const backend = new DiskShareBackend(shares, silentLogger());
  try {
    if (await readMark(backend, serverId)) throw new RecordsNotCurrentError('missing');
  } finally {
    await backend.close();
  }
}
