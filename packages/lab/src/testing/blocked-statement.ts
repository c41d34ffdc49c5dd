import type { ClientBase } from 'pg';
import { waitFor } from '../processes/until-ready.js';

/** Waits until a statement of another session waits for a lock that this one's transaction holds. */
export async function blockedStatement(client: ClientBase): Promise<void> {
  await waitFor('another statement waits for this transaction', async () => {
    // Not pg_stat_activity: within a transaction it stays as it was first seen.
    const { rows } = await client.query(
      'select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid)) limit 1',
    );
    return rows.length > 0 || undefined;
  });
}
