import type { Migration } from '@holdfast/common/database';

export const leavingServersRepairerAccounts: Migration = {
  number: 4,
  name: 'leaving servers, repairer accounts',
  // A release that does not know of it lets a leaving server take shares in, and leaves leases to repairers.
  breaking: false,
  sql: `
    alter table servers add column leaving_since timestamptz;
    comment on column servers.leaving_since is
      'Since when its operator is taking it away: it is read from, and takes no new shares. Null: it stays.';

    alter table accounts add column repairer boolean not null default false;
    comment on column accounts.repairer is
      'Whether it stores shares for others: who has leases on a file''s other shares gets those on what it stores.';
  `,
};
