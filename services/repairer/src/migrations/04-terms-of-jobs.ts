import type { Migration } from '@holdfast/common/database';

export const termsOfJobs: Migration = {
  number: 4,
  name: 'terms of jobs, and capabilities that are not proven',
  breaking: true,
  sql: `
    -- Whether the file is repaired only where the watch finds that worth it.
    alter table jobs add column only_if_worthwhile boolean not null default false;
    -- Whether the repair waits for servers that went away a moment ago.
    alter table jobs add column patient boolean not null default false;
    -- Another one that was named, with the same storage index, while verify_capability is not proven.
    alter table jobs add column other_capability text;
    alter table jobs add column last_result text;
    -- It was taken for proven where no share was read.
    update jobs set proven = false where proven;

    alter table job_history drop constraint job_history_result_check;
    alter table job_history add constraint job_history_result_check check (
      result in ('healthy', 'repaired', 'not-worthwhile', 'postponed', 'unrecoverable', 'failed', 'lost'));

    alter table watched add column proven boolean not null default false;
    alter table watched add column other_capability text;
    -- As the last repair left it.
    alter table watched add column spare_after_repair integer;
  `,
};
