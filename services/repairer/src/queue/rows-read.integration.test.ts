import { expect, it } from 'vitest';
import { queueSteps, repaired } from '../testing/queue-steps.js';
import { someVerifyCapability } from '../testing/test-queue.js';

// What a job costs Postgres must not grow with the queue, whatever it thinks of tables that fill and empty so fast.

const steps = queueSteps();
const { add, claimed, end } = steps;
const attempts = 20;

async function addMany(jobs: number): Promise<void> {
  await add(...Array.from({ length: jobs }, () => ({ file: someVerifyCapability() })));
}

async function attemptSome(): Promise<void> {
  for (let done = 0; done < attempts; done++) await end(await claimed(), repaired);
}

/** Rows of a table that were read for anything. */
async function rowsRead(table: string): Promise<number> {
  const { sql } = steps.queue;
  // What one asks after the other goes over one connection, whose session counts for itself until it is told to tell.
  await sql('select pg_stat_force_next_flush()');
  const [row] = await sql<{ read: number }>(
    'select seq_tup_read + idx_tup_fetch as read from pg_stat_user_tables where schemaname = $1 and relname = $2',
    ['repairer', table],
  );
  return row?.read ?? Number.NaN;
}

it.each([
  ['that Postgres knows nothing of', async () => addMany(1_000)],
  [
    'that is so small that Postgres would read it whole',
    async () => {
      await addMany(400);
      await steps.queue.sql('analyze repairer.jobs');
    },
  ],
])('a job is claimed and ended without a look at the others of a queue %s', async (_queue, fill) => {
  await fill();
  // Its plans are made by now.
  await attemptSome();
  const before = { jobs: await rowsRead('jobs'), history: await rowsRead('job_history') };
  await attemptSome();
  expect((await rowsRead('jobs')) - before.jobs).toBeLessThan(10 * attempts);
  expect((await rowsRead('job_history')) - before.history).toBeLessThan(10 * attempts);
});
