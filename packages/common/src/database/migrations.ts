import { setTimeout as delay } from 'node:timers/promises';
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

/** Milliseconds after which a node that waits for another's migrations looks again. */
const lookAgainAfter = 200;

/** A schema, and all steps of it that this release knows. */
export interface MigratedSchema {
  readonly schema: string;
  readonly migrations: readonly Migration[];
  readonly logger: Logger;
  /** Ends the wait for another node's migrations; a step of one's own that has begun is not given up. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Brings a schema to the newest migration. Any number of nodes may call this at once: they take turns on an
 * advisory lock, and all but the first find nothing left to do. A step takes as long as it takes, and so do those who
 * wait for it.
 *
 * @returns how many migrations were applied by this call
 * @throws SchemaTooNewError where the schema has a breaking migration that is not in `migrations`; AbortError where the
 *   signal aborts while another node is at it
 */
export async function migrate(database: Database, schema: MigratedSchema): Promise<number> {
  const { logger, signal } = schema;
  let applied = 0;
  let waiting = false;
  // Each commits by itself: one after the other they lock tables in an order in which nobody else does, and whoever uses the
  // schema meanwhile and they would wait for each other.
  for (;;) {
    switch (await applyNext(database, schema)) {
      case 'none-left':
        return applied;
      case 'applied':
        applied++;
        continue;
      case 'taken':
        if (!waiting) logger.info({ schema: schema.schema }, 'another node is at the database migrations');
        waiting = true;
        // Not within Postgres, which could not be told that this node is to stop.
        await delay(lookAgainAfter, undefined, signal ? { signal } : {});
    }
  }
}

/** Applies the first step that is left; `taken` where another node is at it. */
function applyNext(
  database: Database,
  { schema, migrations, logger }: MigratedSchema,
): Promise<'none-left' | 'applied' | 'taken'> {
  const known = migrations.reduce((newest, { number }) => Math.max(newest, number), 0);
  return database.transaction(async (client) => {
    // Held to the end of the transaction; two keys, so that it meets no other lock of ours.
    const { rows: locks } = await client.query<{ had: boolean }>(
      `select pg_try_advisory_xact_lock(hashtext('holdfast migrations'), hashtext($1)) as had`,
      [schema],
    );
    if (!locks[0]?.had) return 'taken';
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
    if (!next) return 'none-left';
    const { number, name, sql, breaking } = next;
    await client.query(`set local search_path to ${schema}`);
    await (await patientQuery(client))(sql);
    await client.query(`insert into ${schema}.migrations (number, name, breaking) values ($1, $2, $3)`, [
      number,
      name,
      breaking,
    ]);
    logger.info({ schema, number, migration: name }, 'database migration applied');
    return 'applied';
  });
}
