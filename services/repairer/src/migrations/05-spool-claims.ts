import type { Migration } from '@holdfast/common/database';

export const spoolClaims: Migration = {
  number: 5,
  name: 'who looks through which file of a spool folder',
  // The release before locks files in a way that this one does not see.
  breaking: true,
  sql: `
    -- Whose claim ran out has lost the file to whoever claims it next.
    create table spool_claims (
      grid text not null,
      name text not null,
      claim uuid not null default gen_random_uuid(),
      claim_until timestamptz not null,
      primary key (grid, name)
    );
  `,
};
