import type { Database } from '@holdfast/common/database';

/**
 * How long leases last at all servers of a database, where their account says nothing else.
 *
 * @returns milliseconds; undefined: as each server is configured
 */
export async function leaseDefault(database: Database): Promise<number | undefined> {
  const { rows } = await database.pool.query<{ lease_seconds: number }>(
    'select lease_seconds from storage.lease_default',
  );
  return rows[0] && rows[0].lease_seconds * 1000;
}

/**
 * Sets how long leases last from now on. Leases that are there keep their end until they are renewed, and a renewal
 * never brings an end nearer.
 *
 * @param duration milliseconds, a second to 100 years; undefined: as each server is configured
 */
export async function setLeaseDefault(database: Database, duration: number | undefined): Promise<void> {
  if (duration === undefined) {
    await database.pool.query('delete from storage.lease_default');
    return;
  }
  await database.pool.query(
    `insert into storage.lease_default (lease_seconds) values ($1)
     on conflict (one) do update set lease_seconds = excluded.lease_seconds`,
    [Math.round(duration / 1000)],
  );
}
