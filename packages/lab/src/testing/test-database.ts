import { createDatabase, type Database } from '../servers/databases.js';
import { type RunningNats, startNats } from '../servers/nats.js';

/** The environment variable by which a test process learns where the run's Postgres is. */
export const testPostgresVariable = 'HOLDFAST_TEST_POSTGRES';

/** The URL of the Postgres that serves this run of the integration tests, as its superuser. */
export function testPostgresUrl(): string {
  const url = process.env[testPostgresVariable];
  if (!url)
    throw new Error('no Postgres for tests here: name the file *.integration.test.ts and run it by vitest');
  return url;
}

/** An empty database in the Postgres of this test run, dropped when disposed. */
export function createTestDatabase(): Promise<Database> {
  return createDatabase(testPostgresUrl(), 'test');
}

/** A bus for a test that does not stop it: the one at NATS_URL, else one of its own. */
export async function createTestBus(): Promise<Pick<RunningNats, 'url'> & AsyncDisposable> {
  const given = process.env['NATS_URL'];
  return given ? { url: given, [Symbol.asyncDispose]: async () => {} } : startNats();
}
