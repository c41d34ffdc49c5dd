import type { Migration } from '@holdfast/common/database';

export const drains: Migration = {
  number: 5,
  name: 'how far leaving servers are emptied',
  breaking: false,
  sql: `
    create table drains (
      server integer primary key references servers,
      looked_at timestamptz not null,
      progress jsonb,
      problem text
    );
    comment on table drains is
      'Of each leaving server, how many of its shares were safe elsewhere when it last looked, and why it could not.';
  `,
};
