import { type Database, type Migration, migrate } from '@holdfast/common/database';
import type { Logger } from '@holdfast/common/logging';

/** The schema `introducer`, step by step. */
export const migrations: readonly Migration[] = [
  {
    number: 1,
    name: 'announcements',
    breaking: true,
    sql: `
      create table announcements (
        grid text not null,
        server_id text not null,
        seqnum bigint not null,
        message text not null,
        signature text not null,
        first_heard timestamptz not null default now(),
        last_heard timestamptz not null default now(),
        primary key (grid, server_id)
      )`,
  },
];

/**
 * Brings the schema `introducer` of a database to what this release knows.
 *
 * @throws SchemaTooNewError
 */
export async function migrateIntroducer(
  database: Database,
  logger: Logger,
  signal?: AbortSignal,
): Promise<void> {
  await migrate(database, { schema: 'introducer', migrations, logger, signal });
}
