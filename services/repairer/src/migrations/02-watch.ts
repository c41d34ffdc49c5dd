import type { Migration } from '@holdfast/common/database';

export const watch: Migration = {
  number: 2,
  name: 'files under watch, and what is known of servers and the network',
  breaking: false,
  sql: `
    create table servers (
      grid text not null,
      server_id text not null,
      -- Stands for the server in watched.share_servers.
      key integer generated always as identity unique,
      leaving boolean not null default false,
      -- When a repairer last had it among its servers, and when one last reached it.
      known_at timestamptz not null default now(),
      reached_at timestamptz,
      -- Milliseconds: see absenceAfter.
      absence bigint not null default 0,
      state text not null default 'suspected' check (state in ('active', 'leaving', 'suspected', 'gone')),
      -- Whether files may still have shares on record that are on it, though it is gone.
      to_strike boolean not null default false,
      primary key (grid, server_id)
    );

    create table watched (
      grid text not null,
      storage_index bytea not null check (octet_length(storage_index) = 16),
      -- Null where nothing but the storage index is known. Never a capability that can read.
      verify_capability text,
      -- From here on null until the first check, or where no share said it.
      needed smallint,
      expected smallint,
      -- The shares on record: share_numbers[i] is on the server with the key share_servers[i].
      share_numbers smallint[] not null default '{}',
      share_servers integer[] not null default '{}',
      readable smallint,
      lasting smallint,
      -- Servers of happiness of the shares that stay.
      happiness smallint,
      spare_shares integer,
      checked_at timestamptz,
      -- A worker that takes the check puts this off by the time it may take.
      next_check timestamptz not null default now(),
      -- 'wanted': repair is worthwhile; 'queued': there is a job for it.
      repair text not null default 'none' check (repair in ('none', 'wanted', 'queued')),
      -- When the last job of the watch ended.
      repaired_at timestamptz,
      primary key (grid, storage_index)
    ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

    create index watched_due on watched (grid, next_check) where checked_at is not null;
    create index watched_unchecked on watched (grid, next_check) where checked_at is null;
    create index watched_wanted on watched (grid, spare_shares) where repair = 'wanted';
    create index watched_queued on watched (grid, storage_index) where repair = 'queued';
    create index watched_by_server on watched using gin (share_servers);

    -- For whom a file is under watch; '' is nobody in particular. It is as long as there is one.
    create table watched_for (
      grid text not null,
      storage_index bytea not null,
      account text not null,
      added_at timestamptz not null default now(),
      primary key (grid, account, storage_index)
    );

    create index watched_for_by_file on watched_for (grid, storage_index);

    -- How many files have so many spare shares (-1000: not known), kept up by changes, which the scheduler adds up: so
    -- nobody counts the files, and nobody waits for anybody's row.
    create table watched_counts (
      grid text not null,
      spare_shares integer not null,
      files bigint not null,
      primary key (grid, spare_shares)
    );
    create table watched_changes (grid text not null, spare_shares integer not null, files integer not null);

    create function note_watched_inserts() returns trigger language plpgsql as $$ begin
      insert into repairer.watched_changes
        select grid, coalesce(spare_shares, -1000), count(*) from inserted group by 1, 2;
      return null;
    end $$;
    create function note_watched_deletes() returns trigger language plpgsql as $$ begin
      insert into repairer.watched_changes
        select grid, coalesce(spare_shares, -1000), -count(*) from deleted group by 1, 2;
      return null;
    end $$;
    create function note_watched_update() returns trigger language plpgsql as $$ begin
      insert into repairer.watched_changes
        values (old.grid, coalesce(old.spare_shares, -1000), -1),
               (new.grid, coalesce(new.spare_shares, -1000), 1);
      return null;
    end $$;
    create trigger note_inserts after insert on watched referencing new table as inserted
      for each statement execute function note_watched_inserts();
    create trigger note_deletes after delete on watched referencing old table as deleted
      for each statement execute function note_watched_deletes();
    create trigger note_update after update of spare_shares on watched for each row
      when (old.spare_shares is distinct from new.spare_shares) execute function note_watched_update();

    -- How checks went, by the minute in which they ended. Kept for an hour.
    create table check_counts (
      grid text not null,
      minute timestamptz not null,
      checks integer not null,
      failed integer not null,
      primary key (grid, minute)
    );

    -- What the scheduler thinks of the network; all repairers go by it.
    create table network (
      grid text primary key,
      looked_at timestamptz not null default now(),
      suspected boolean not null default false,
      reason text,
      since timestamptz,
      -- Milliseconds: see NetworkSuspicion.
      quiet bigint not null default 0,
      -- Who schedules.
      scheduler text
    );
  `,
};
