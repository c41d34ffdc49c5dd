import { expect, it } from 'vitest';
import { queueSteps, repaired } from '../testing/queue-steps.js';
import { someVerifyCapability } from '../testing/test-queue.js';

// What a job costs Postgres must not grow with the queue, whatever it thinks of tables that fill and empty so fast.

const steps = queueSteps();
const { add, claim, claimed, end } = steps;
const attempts = 20;

async function addMany(jobs: number): Promise<void> {
  await add(...Array.from({ length: jobs }, () => ({ file: someVerifyCapability() })));
}

async function attemptSome(): Promise<void> {
  for (let done = 0; done < attempts; done++) await end(await claimed(), repaired);
}

/** Rows of jobs and of their history that were read for anything. */
async function rowsRead(): Promise<number> {
  const { claims, database } = steps.queue;
  // A session counts for itself until it is told to tell. What is asked one after the other goes over one connection each.
  for (const { pool } of [claims, database]) await pool.query('select pg_stat_force_next_flush()');
  const { rows } = await database.pool.query<{ read: number }>(
    `select sum(seq_tup_read + idx_tup_fetch)::bigint as read from pg_stat_user_tables
      where schemaname = 'repairer' and relname in ('jobs', 'job_history')`,
  );
  return rows[0]?.read ?? Number.NaN;
}

it.for<[string, () => Promise<void>]>([
  ['that Postgres knows nothing of', async () => addMany(1_000)],
  [
    'that is so small that Postgres would read it whole',
    async () => {
      await addMany(400);
      await steps.queue.sql('analyze repairer.jobs');
    },
  ],
  [
    'that was empty when it was first looked at',
    async () => {
      expect(await claim()).toBeUndefined();
      await addMany(10);
      // All that a new worker does is planned now, by what there is.
      for (let job = await claim(); job; job = await claim()) await end(job, repaired);
      await addMany(1_000);
    },
  ],
])(
  'a job is claimed and ended without a look at the others of a queue %s',
  async ([_queue, fill], { skip }) => {
    const [version] = await steps.queue.sql<{ number: number }>(
      "select current_setting('server_version_num')::integer as number",
    );
    if ((version?.number ?? 0) < 150_000)
      skip('what a session has read cannot be asked for before Postgres 15');
    await fill();
    await attemptSome();
    const before = await rowsRead();
    await attemptSome();
    expect((await rowsRead()) - before).toBeLessThan(10 * attempts);
  },
);
