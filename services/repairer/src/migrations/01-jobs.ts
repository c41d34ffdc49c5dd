import type { Migration } from '@holdfast/common/database';

export const jobs: Migration = {
  number: 1,
  name: 'repair jobs and their history',
  breaking: true,
  sql: `
    create table jobs (
      grid text not null,
      storage_index bytea not null check (octet_length(storage_index) = 16),
      -- Null where nothing but the storage index is known. Never a capability that can read.
      verify_capability text,
      -- Whether the grid's shares were found to be what verify_capability names.
      proven boolean not null default false,
      -- Whether every byte of the shares is to be read.
      verify boolean not null default false,
      source text not null,
      state text not null default 'queued' check (state in ('queued', 'claimed', 'waiting', 'done', 'failed')),
      -- The lowest goes first: how many shares can still be lost.
      priority integer not null,
      -- As found by the last check.
      spare_shares integer,
      -- One more each time the job is asked for after it had ended.
      generation bigint not null default 1,
      -- Claims of this generation.
      attempts integer not null default 0,
      -- One more with each claim, for ever: who holds another has lost the job.
      claim bigint not null default 0,
      claimed_by text,
      claimed_at timestamptz,
      claim_until timestamptz,
      -- Not to be claimed, or while waiting not to be tried again, before this; null: at once.
      not_before timestamptz,
      last_error text,
      outcome jsonb,
      queued_at timestamptz not null default now(),
      ended_at timestamptz,
      primary key (grid, storage_index)
    ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

    create index jobs_ready on jobs (grid, priority, queued_at) where state = 'queued' and not_before is null;
    create index jobs_delayed on jobs (grid, not_before) where not_before is not null;
    create index jobs_claimed on jobs (grid, claim_until) where state = 'claimed';
    create index jobs_by_state on jobs (grid, state, ended_at, storage_index);
    create index jobs_by_spare_shares on jobs (grid, spare_shares);

    create table job_history (
      grid text not null,
      storage_index bytea not null,
      claim bigint not null,
      generation bigint not null,
      attempt integer not null,
      worker text not null,
      began_at timestamptz not null,
      ended_at timestamptz not null default now(),
      result text not null check (result in ('healthy', 'repaired', 'unrecoverable', 'failed', 'lost')),
      error text,
      outcome jsonb,
      primary key (grid, storage_index, claim)
    );

    create index job_history_by_time on job_history (grid, ended_at);
  `,
};
