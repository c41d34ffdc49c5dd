import { startPostgres } from '../servers/postgres.js';
import { testPostgresVariable } from './test-database.js';

/**
 * Vitest calls this once before the integration tests: one Postgres for all of them, or the one at DATABASE_URL.
 * The tests' processes inherit where it is.
 *
 * @returns what ends it after the last test
 */
export async function setup(): Promise<() => Promise<void>> {
  const given = process.env['DATABASE_URL'];
  if (given) {
    process.env[testPostgresVariable] = given;
    return async () => {};
  }
  const postgres = await startPostgres({ durable: false });
  process.env[testPostgresVariable] = postgres.url;
  return async () => postgres[Symbol.asyncDispose]();
}
