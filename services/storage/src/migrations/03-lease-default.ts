import type { Migration } from '@holdfast/common/database';

export const leaseDefault: Migration = {
  number: 3,
  name: 'how long leases last in the whole grid',
  // The release before does not look at it: its leases last as its servers are configured.
  breaking: false,
  sql: `
    create table lease_default (
      one boolean primary key default true check (one),
      lease_seconds bigint not null check (lease_seconds between 1 and 3155760000)
    );
    comment on table lease_default is
      'One row or none: how long leases last, at every server of this database, whose account has no duration of its own.';
  `,
};
