import type pg from 'pg';

/*
 * Whoever removes shares holds this lock of their server alone, and whoever records shares that they find in the
 * backend shares it: so no share gets a record while its file is being removed. Held to the end of the transaction.
 */

const lockName = 'holdfast storage deletion';

/** Keeps all others from recording found shares, and from removing shares. */
export async function lockForDeletion(client: pg.ClientBase, server: number): Promise<void> {
  await client.query('select pg_advisory_xact_lock(hashtext($1), $2)', [lockName, server]);
}

/** Keeps shares from being removed. */
export async function lockAgainstDeletion(client: pg.ClientBase, server: number): Promise<void> {
  await client.query('select pg_advisory_xact_lock_shared(hashtext($1), $2)', [lockName, server]);
}
