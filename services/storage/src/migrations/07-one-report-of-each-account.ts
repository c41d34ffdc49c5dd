import type { Migration } from '@holdfast/common/database';

export const oneReportOfEachAccount: Migration = {
  number: 7,
  name: 'one corruption report of each share by each account',
  // The release before adds a row for every report, with no number of times: the index lets these be.
  breaking: false,
  sql: `
    alter table corruption_reports add column times bigint;
    comment on column corruption_reports.times is
      'How often the account reported the share; reason and reported_at are the last time''s. Null: a row for one report.';

    with kept as (delete from corruption_reports returning *)
    insert into corruption_reports (server, storage_index, share_number, account, reported_at, reason, times)
    select distinct on (server, storage_index, share_number, account)
           server, storage_index, share_number, account, reported_at,
           -- A character has at most four bytes.
           case when octet_length(reason) <= 500 then reason else left(reason, 120) || '…' end,
           count(*) over (partition by server, storage_index, share_number, account)
      from kept join shares using (server, storage_index, share_number)
     order by server, storage_index, share_number, account, reported_at desc;

    create unique index corruption_reports_by_account
      on corruption_reports (server, storage_index, share_number, account) where times is not null;
  `,
};
