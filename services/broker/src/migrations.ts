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
];
