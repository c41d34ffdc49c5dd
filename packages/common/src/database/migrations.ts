import type { Logger } from '../logging/index.js';
import type { Database } from './database.js';
import { patientQuery } from './patient-query.js';

/** One step of a schema. Never edited once released. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  /** Plain SQL, one or more statements. The schema's name is on the search path. */
  readonly sql: string;
  /** Whether a release that does not know this step must stop using the schema. */
  readonly breaking: boolean;
}

/** The database was brought forward by a newer release in a way that this one does not understand. */
export class SchemaTooNewError extends Error {
  override readonly name = 'SchemaTooNewError';
  readonly code = 'schema-too-new';

  constructor(
    readonly schema: string,
    readonly found: number,
    readonly known: number,
  ) {
    super(
      `the database schema "${schema}" is at migration ${found}, this release knows ${known}: run a newer release of Holdfast`,
    );
  }
}

/** A schema, and all steps of it that this release knows. */
export interface MigratedSchema {
  readonly schema: string;
  readonly migrations: readonly Migration[];
  readonly logger: Logger;
}

/**
 * Brings a schema to the newest migration. Any number of nodes may call this at once: they take turns on an
 * advisory lock, and all but the first find nothing left to do. A step takes as long as it takes, and so do those who
 * wait for it.
 *
 * @returns how many migrations were applied by this call
 * @throws SchemaTooNewError where the schema has a breaking migration that is not in `migrations`
 */
export async function migrate(database: Database, schema: MigratedSchema): Promise<number> {
  let applied = 0;
  // Each commits by itself: one after the other they lock tables in an order in which nobody else does, and whoever uses the
  // schema meanwhile and they would wait for each other.
  while (await applyNext(database, schema)) applied++;
  return applied;
}

/** @returns whether there was a step left */
function applyNext(database: Database, { schema, migrations, logger }: MigratedSchema): Promise<boolean> {
  const known = migrations.reduce((newest, { number }) => Math.max(newest, number), 0);
  return database.transaction(async (client) => {
    const query = await patientQuery(client);
    // Held to the end of the transaction; two keys, so that it meets no other lock of ours.
    await query(`select pg_advisory_xact_lock(hashtext('holdfast migrations'), hashtext($1))`, [schema]);
    await client.query(`create schema if not exists ${schema}`);
    await client.query(
      `create table if not exists ${schema}.migrations (
         number integer primary key,
         name text not null,
         breaking boolean not null default true,
         applied_at timestamptz not null default now())`,
    );
    const { rows } = await client.query<{ number: number; breaking: boolean }>(
      `select number, breaking from ${schema}.migrations`,
    );
    const tooNew = rows.filter((row) => row.number > known && row.breaking).map((row) => row.number);
    if (tooNew.length > 0) throw new SchemaTooNewError(schema, Math.max(...tooNew), known);

    const applied = new Set(rows.map((row) => row.number));
    const [next] = migrations
      .filter(({ number }) => !applied.has(number))
      .sort((a, b) => a.number - b.number);
    if (!next) return false;
    const { number, name, sql, breaking } = next;
    await client.query(`set local search_path to ${schema}`);
    await query(sql);
    await client.query(`insert into ${schema}.migrations (number, name, breaking) values ($1, $2, $3)`, [
      number,
      name,
      breaking,
    ]);
    logger.info({ schema, number, migration: name }, 'database migration applied');
    return true;
  });
}
