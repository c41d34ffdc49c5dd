import type { Migration } from '@holdfast/common/database';

/** The broker's tables, schema `broker`. */
export const migrations: readonly Migration[] = [
  {
    number: 1,
    name: 'announcements heard, shared by all brokers of a grid',
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
        primary key (grid, introducer, server_id)
      );
    `,
  },
  {
    number: 2,
    name: 'when servers were reached, and which are forgotten',
    // The release before writes rows without the new column, and does not look at the new table.
    breaking: false,
    sql: `
      alter table announcements add column last_reached timestamptz;

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
];
