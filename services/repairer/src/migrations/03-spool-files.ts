import type { Migration } from '@holdfast/common/database';

export const spoolFiles: Migration = {
  number: 3,
  name: 'when files of the spool folder were first seen',
  breaking: false,
  sql: `
    -- A file is another one when its size or time is. Entries whose jobs have ended since are done.
    create table spool_files (
      grid text not null,
      name text not null,
      size bigint not null,
      modified_ms bigint not null,
      seen_at timestamptz not null default now(),
      primary key (grid, name, size, modified_ms)
    );
  `,
};
