import type { Database } from '@holdfast/common/database';
import type pg from 'pg';

/**
 * How often the holder of the lock is heard on its connection, and the others try to get it; in milliseconds.
 */
export const lockBeat = 1_500;

/**
 * After so long without a word Postgres ends the holder's session by itself, and with it the lock. So it ends in time
 * however the holder was lost: killed, which Postgres sees at once; cut off or without power, of which no packet tells;
 * or stopped in a way in which its machine still answers for it. From then on the next try of any other gets the lock:
 * within lockSilence + lockBeat, far from ten seconds.
 */
const lockSilence = 5_000;

/** A lock that one process of a grid holds at a time, for as long as its connection to Postgres lasts. */
export class SchedulerLock {
  readonly #client: pg.PoolClient;
  readonly #lost = new AbortController();
  readonly #beat: NodeJS.Timeout;
  #released = false;

  private constructor(client: pg.PoolClient) {
    this.#client = client;
    client.on('error', this.#lose);
    client.on('end', this.#lose);
    this.#beat = setInterval(() => client.query('select 1').catch(this.#lose), lockBeat);
  }

  /** Takes the lock, where nobody has it. */
  static async take(database: Database, grid: string): Promise<SchedulerLock | undefined> {
    const client = await database.pool.connect();
    try {
      // Before the lock is had, so that nothing can come in between.
      await client.query(`set idle_session_timeout = ${lockSilence}`);
      const { rows } = await client.query<{ held: boolean }>(
        `select pg_try_advisory_lock(hashtext('holdfast repair scheduler'), hashtext($1)) as held`,
        [grid],
      );
      if (!rows[0]?.held) {
        await client.query('reset idle_session_timeout');
        client.release();
        return undefined;
      }
      return new SchedulerLock(client);
    } catch (error) {
      client.release(error as Error);
      throw error;
    }
  }

  /**
   * The connection that holds the lock. What only the holder may do is done on it: a statement that is run there is run
   * by the holder.
   */
  get client(): pg.PoolClient {
    return this.#client;
  }

  /** Aborts when the lock is lost. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    clearInterval(this.#beat);
    this.#client.off('error', this.#lose);
    this.#client.off('end', this.#lose);
    // The connection is closed, not given back: it ends the lock and all that was set with it.
    this.#client.release(true);
  }

  readonly #lose = (): void => {
    this.release();
    this.#lost.abort();
  };
}
