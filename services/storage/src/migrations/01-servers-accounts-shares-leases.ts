import type { Migration } from '@holdfast/common/database';

export const serversAccountsSharesLeases: Migration = {
  number: 1,
  name: 'servers, accounts, shares and leases',
  breaking: true,
  sql: `
    create table servers (
      key integer generated always as identity primary key,
      server_id text not null unique,
      first_started timestamptz not null default now()
    );

    create table accounts (
      key integer generated always as identity primary key,
      name text not null unique,
      created_at timestamptz not null default now()
    );
    comment on table accounts is
      'Whoever can hold a lease. anonymous: whoever knows the announced address; starter: holds shares that were found without a record.';
    insert into accounts (name) values ('anonymous'), ('starter');

    create table credentials (
      server integer not null references servers,
      credential_hash bytea not null check (length(credential_hash) = 32),
      account integer not null references accounts,
      primary key (server, credential_hash)
    );
    comment on table credentials is
      'By what each server recognises each account. The credential itself is in no database.';

    create type share_state as enum ('coming', 'stable', 'going');

    create table shares (
      server integer not null,
      storage_index bytea not null check (length(storage_index) = 16),
      share_number integer not null check (share_number >= 0),
      state share_state not null,
      size bigint not null check (size >= 0),
      uploader integer,
      primary key (server, storage_index, share_number)
    ) with (fillfactor = 85);
    comment on column shares.size is 'Bytes of share data; while coming, what is promised.';
    comment on column shares.uploader is
      'The account that a coming share counts for; none for a share that was found without a record.';

    create table leases (
      server integer not null,
      storage_index bytea not null,
      share_number integer not null,
      account integer not null,
      renewed_at timestamptz not null,
      expires_at timestamptz not null,
      primary key (server, storage_index, share_number, account)
    ) with (fillfactor = 85);

    create table corruption_reports (
      server integer not null,
      storage_index bytea not null,
      share_number integer not null,
      account integer not null,
      reported_at timestamptz not null default now(),
      reason text not null
    );
    create index on corruption_reports (server, storage_index, share_number);
  `,
};
