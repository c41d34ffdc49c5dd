import type { Database } from '@holdfast/common/database';
import type pg from 'pg';

/** Somebody else is collecting or recovering the shares of the same server. */
export class ServerBusyError extends Error {
  override readonly name = 'ServerBusyError';
  readonly code = 'server-busy';

  constructor() {
    super('another collection or recovery of this server is under way: try again when it has ended');
  }
}

/**
 * Does what only one process may do at a time with the shares of a server: collecting and recovering them. The lock
 * ends with its connection, so that nobody has to clear it away.
 *
 * @throws ServerBusyError
 */
export async function alone<T>(
  database: Database,
  server: number,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const lock = `hashtext('holdfast storage upkeep'), $1`;
  const client = await database.pool.connect();
  let lost: Error | undefined;
  const onError = (error: Error) => {
    lost = error;
  };
  client.on('error', onError);
  try {
    const { rows } = await client.query<{ held: boolean }>(`select pg_try_advisory_lock(${lock}) as held`, [
      server,
    ]);
    if (!rows[0]?.held) throw new ServerBusyError();
    try {
      return await work(client);
    } finally {
      await client.query(`select pg_advisory_unlock(${lock})`, [server]).catch((error: Error) => {
        lost = error;
      });
    }
  } finally {
    client.off('error', onError);
    client.release(lost);
  }
}
