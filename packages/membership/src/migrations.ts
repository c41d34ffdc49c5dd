import { type Database, type Migration, migrate } from '@holdfast/common/database';
import type { Logger } from '@holdfast/common/logging';

const migrations: readonly Migration[] = [
  {
    number: 1,
    name: 'announcements heard, shared by all nodes of a grid that use one database',
    breaking: true,
    sql: `
      create table announcements (
        grid text not null,
        introducer text not null,
        server_id text not null,
        seqnum bigint not null,
        message text not null,
        signature text not null,
        first_heard timestamptz not null default now(),
        last_heard timestamptz not null default now(),
        last_reached timestamptz,
        primary key (grid, introducer, server_id)
      );

      -- Announcements of these servers count only where their seqnum is above this one.
      create table forgotten (
        grid text not null,
        server_id text not null,
        seqnum bigint not null,
        forgotten_at timestamptz not null default now(),
        primary key (grid, server_id)
      );
    `,
  },
  {
    number: 2,
    name: 'what was forgotten lately is found without a look at the rest',
    breaking: false,
    sql: 'create index forgotten_by_time on forgotten (grid, forgotten_at);',
  },
];

/**
 * Makes the tables of schema `membership`, or brings them up to date.
 *
 * @throws SchemaTooNewError, or Postgres' own error
 */
export async function migrateMembership(
  database: Database,
  logger: Logger,
  signal?: AbortSignal,
): Promise<void> {
  await migrate(database, { schema: 'membership', migrations, logger, signal });
}
