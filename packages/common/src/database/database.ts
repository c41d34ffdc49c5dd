import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from '../logging/index.js';

/** A pool of Postgres connections. */
export interface Database {
  readonly pool: pg.Pool;
  /** Why Postgres cannot be used at the moment; undefined while it can. Looked at every two seconds. */
  readonly problem: string | undefined;
  /** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
  transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** How to reach Postgres. */
export interface DatabaseOptions {
  readonly url: string;
  /** As Postgres shows it in `pg_stat_activity`: the service and nickname. */
  readonly applicationName: string;
  readonly logger: Logger;
  /** Most connections at once. */
  readonly connections?: number;
  /**
   * How statements are planned; as Postgres likes where this is undefined.
   *
   * - `once`: without a look at their parameters, and named ones, which run very often, again only when Postgres has new
   *   statistics. To plan costs more than to find rows by their keys (storing a small share took 590 µs of Postgres,
   *   without it 300).
   * - `by-keys`: once too, and by nested loops over indexes where there is such a way. For statements that find single rows
   *   of tables that fill and empty faster than Postgres counts them: what is best while a queue has ten jobs would be
   *   kept until it has thousands (to claim a job and to end it took 0.9 to 1.1 ms of Postgres, and takes 0.5).
   */
  readonly planning?: 'once' | 'by-keys';
  /**
   * Milliseconds after which Postgres ends a transaction in which nothing is asked, so that others may lock what a process had
   * locked that was cut off. Only where nothing slow is done within one.
   */
  readonly longestIdle?: number;
  /** Ends the wait for a Postgres that does not come up. */
  readonly signal?: AbortSignal;
}

// int8 as number: sizes and counts here stay below 2^53, and a text would sort and add wrongly.
pg.types.setTypeParser(pg.types.builtins.INT8, (text) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8 ${text} is past 2^53`);
  return value;
});

/**
 * A plan for parts that are hardly ever run is thought dear, and Postgres would compile it: 400 ms and more each time, for
 * statements that take 40. Recovery recorded 2,000 shares a second with it, and 34,000 without.
 */
const neverCompiled = 'set jit = off';

/**
 * A host that loses power or is cut off closes no connection. Postgres elsewhere would keep its session, and what its
 * transaction has locked, for two hours by default, and the host that comes back could not start before: so it is to
 * notice within a minute. The last of these is for an answer on its way, since while one is not acknowledged no keepalive
 * is sent. At a Unix socket they do nothing.
 */
const noticedWhenGone =
  'set tcp_keepalives_idle = 30; set tcp_keepalives_interval = 10; set tcp_keepalives_count = 3; set tcp_user_timeout = 60000';

const longestWait = 5_000;
const probeEvery = 2_000;
const probeDeadline = 5_000;

/** Opens a pool without waiting for the server. */
export function openPool(options: Omit<DatabaseOptions, 'signal'>): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.connections ?? 10,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    statement_timeout: 60_000,
    ...(options.longestIdle === undefined
      ? {}
      : { idle_in_transaction_session_timeout: options.longestIdle }),
    // The server's own limit does not help where the server is no longer there.
    query_timeout: 65_000,
    keepAlive: true,
    // So it is noticed within minutes too where both limits are lifted; the system's own delay is two hours.
    keepAliveInitialDelayMillis: 60_000,
    // Waited for by whoever gets the connection first; its failure is the connection's.
    onConnect: (client: pg.ClientBase) =>
      client.query([noticedWhenGone, neverCompiled, ...planningOf(options.planning)].join('; ')),
  });
  // Without a listener an idle connection's end (a Postgres restart) would end this process.
  pool.on('error', (error) =>
    options.logger.warn({ error: error.message }, 'a database connection was lost'),
  );
  // Nor may that of one which a transaction holds between two statements: the next statement tells it.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    pool,
    problem: undefined,
    transaction: (work) => inTransaction(pool, work),
    close: () => pool.end(),
  };
}

/** The database with its `problem` kept up to date. */
function watched(database: Database, logger: Logger): Database {
  let problem: string | undefined;
  let looking = false;
  const look = async () => {
    const before = problem;
    problem = await Promise.race([
      database.pool.query('select 1').then(() => undefined, describe),
      delay(probeDeadline, 'Postgres does not answer in time', { ref: false }),
    ]);
    if (problem !== undefined && before === undefined)
      logger.warn({ error: problem }, 'Postgres does not answer');
    if (problem === undefined && before !== undefined) logger.info('Postgres answers again');
  };
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void look().finally(() => {
      looking = false;
    });
  }, probeEvery).unref();
  return {
    ...database,
    get problem() {
      return problem;
    },
    close: () => {
      clearInterval(timer);
      return database.close();
    },
  };
}

/**
 * Opens a pool and waits until Postgres answers, saying so once and again when it changes its mind.
 *
 * @throws the signal's reason where it aborts first
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const database = openPool(options);
  let wait = 100;
  let said = '';
  for (;;) {
    try {
      await database.pool.query('select 1');
      return watched(database, options.logger);
    } catch (error) {
      const reason = describe(error);
      if (reason !== said) {
        options.logger.warn({ error: reason }, 'Postgres cannot be used yet; trying until it can');
        said = reason;
      }
    }
    try {
      await delay(wait, undefined, options.signal ? { signal: options.signal } : {});
    } catch (error) {
      await database.close();
      throw error;
    }
    wait = Math.min(wait * 2, longestWait);
  }
}

function planningOf(planning: DatabaseOptions['planning']): readonly string[] {
  if (planning === undefined) return [];
  const once = 'set plan_cache_mode = force_generic_plan';
  if (planning === 'once') return [once];
  return [once, 'set enable_seqscan = off', 'set enable_hashjoin = off', 'set enable_mergejoin = off'];
}

async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    client.release();
    return result;
  } catch (error) {
    try {
      await client.query('rollback');
      client.release();
    } catch (lost) {
      // The connection is in an unknown state: it is thrown away, not given back.
      client.release(lost as Error);
    }
    throw error;
  }
}

function describe(error: unknown): string {
  const { message, code, errors } = error as { message: string; code?: string; errors?: Error[] };
  return message || errors?.map((each) => each.message).join('; ') || code || String(error);
}
