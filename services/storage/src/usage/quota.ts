import type { Database } from '@holdfast/common/database';
import type { PoolClient } from 'pg';
import { whileDatabaseReturns } from '../records/database-errors.js';
import { StorageError } from '../storage-error.js';
import { describeBytes } from './describe-bytes.js';

/**
 * Runs something that may make an account use more, in one transaction, and takes it back whole where the account then
 * has more than its quota on all servers of the database together. While it runs no other such transaction of the
 * account does, on any server. What does not make it use more never fails, however much it uses. The quota is the one
 * that stands in the database then; an account without one is not held up by anything.
 *
 * Statements within take their locks in the order of usage/totals.ts; that of the account comes before them all.
 *
 * @param account its key
 * @param work may be run twice; changes totals with all else it changes
 * @throws StorageError `quota-exceeded`, `database-unavailable`; what `work` throws
 */
export function withinQuota<T>(
  database: Database,
  account: number,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  return whileDatabaseReturns(() =>
    database.transaction(async (client) => {
      if ((await quotaOf(client, account, '')) === null) return work(client);
      const quota = await quotaOf(client, account, 'for no key update');
      if (quota === null) return work(client);
      const before = await usedBy(client, account);
      const result = await work(client);
      const after = await usedBy(client, account);
      if (after > quota && after > before) {
        throw new StorageError(
          'quota-exceeded',
          // One clause: clients show it among other words, some only up to a colon.
          `the quota of this account does not allow ${describeBytes(after - before)} more, ` +
            `as it uses ${describeBytes(before)} of ${describeBytes(quota)}`,
        );
      }
      return result;
    }),
  );
}

/** A server that stops halfway must not keep the account locked for the others. */
const mostIdle = '10s';

async function quotaOf(client: PoolClient, account: number, lock: string): Promise<number | null> {
  const { rows } = await client.query<{ quota: number | null }>(
    `select quota, set_config('idle_in_transaction_session_timeout', $2, true)
       from storage.accounts where key = $1 ${lock}`,
    [account, mostIdle],
  );
  return rows[0]?.quota ?? null;
}

/** Bytes under its leases and promised to its uploads. The commit is to reach the disk, whatever `work` had set. */
async function usedBy(client: PoolClient, account: number): Promise<number> {
  const { rows } = await client.query<{ used: number }>(
    `select coalesce(sum(bytes + promised), 0)::bigint as used, set_config('synchronous_commit', 'on', true)
       from storage.usage_totals where account = $1`,
    [account],
  );
  return (rows[0] as { used: number }).used;
}
