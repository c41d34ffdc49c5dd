import type { Migration } from '@holdfast/common/database';

export const customersUsageMutableSlots: Migration = {
  number: 2,
  name: 'customers, usage, mutable slots, damaged shares',
  // Totals would go wrong under a release that does not keep them; they are counted anew at every start.
  breaking: false,
  sql: `
    create type account_state as enum ('active', 'frozen', 'revoked');

    alter table accounts
      add column state account_state not null default 'active',
      add column quota bigint check (quota >= 0),
      add column lease_seconds bigint check (lease_seconds between 1 and 3155760000);
    comment on column accounts.state is
      'active; frozen: reads and renews, writes nothing new; revoked: its credentials are refused.';
    comment on column accounts.quota is 'Most bytes of share data over all servers of this database; null: no limit.';
    comment on column accounts.lease_seconds is 'How long its leases last; at most 100 years; null: as the server is configured.';

    alter table credentials add unique (server, account);

    alter table servers
      add column description jsonb,
      add column generation bigint not null default 0,
      add column unleased_looked_at timestamptz;
    comment on column servers.unleased_looked_at is
      'When a collection last looked through all shares for such as no lease would ever end.';
    comment on column servers.description is
      'What a customer must know to reach it, without any credential: nickname, locations, tub id, SPKI hash, seed.';
    comment on column servers.generation is
      'Raised by the running server, here first and then beside its shares: a database that is behind is an old copy.';

    create table sealed_secrets (
      account integer primary key references accounts,
      keeper integer not null references servers,
      sealed bytea not null
    );
    comment on table sealed_secrets is
      'The account book: each account''s secret, encrypted with a key of the keeper''s private folder.';

    create type share_kind as enum ('immutable', 'mutable');
    alter table shares add column kind share_kind not null default 'immutable';

    alter table leases add column begun_at timestamptz not null default now();
    create index leases_by_expiry on leases (server, expires_at);
    create index shares_going on shares (server, storage_index, share_number) where state = 'going';

    create table usage_totals (
      server integer not null,
      account integer not null,
      bytes bigint not null default 0,
      shares bigint not null default 0,
      promised bigint not null default 0,
      byte_seconds numeric not null default 0,
      changed_at timestamptz not null default now(),
      primary key (account, server)
    ) with (fillfactor = 20);
    comment on column usage_totals.bytes is 'Share data under a lease of the account.';
    comment on column usage_totals.promised is 'Bytes promised to its uploads: the sum over its coming shares.';
    comment on column usage_totals.byte_seconds is 'What the hour of changed_at has come to so far, up to changed_at.';

    create table usage_ledger (
      account integer not null,
      server integer not null,
      hour timestamptz not null,
      byte_seconds numeric not null,
      bytes bigint not null,
      shares bigint not null,
      primary key (account, hour, server)
    );
    create index usage_ledger_by_hour on usage_ledger (hour);
    comment on table usage_ledger is
      'One row for each full hour in which there was a share, written once: byte_seconds in it, bytes and shares at its end.';

    create function meter() returns trigger language plpgsql as $$
    declare
      metered_hour constant timestamptz := date_trunc('hour', old.changed_at, 'UTC');
      this_hour constant timestamptz := date_trunc('hour', now(), 'UTC');
    begin
      if now() <= old.changed_at then
        -- This transaction began before the one that metered last: what it adds counts from its own beginning.
        new.changed_at := old.changed_at;
        new.byte_seconds := old.byte_seconds
          + greatest(new.bytes - old.bytes, 0) * extract(epoch from old.changed_at - now());
        return new;
      end if;
      new.changed_at := now();
      if metered_hour = this_hour then
        new.byte_seconds := old.byte_seconds + old.bytes * extract(epoch from now() - old.changed_at);
        return new;
      end if;
      insert into storage.usage_ledger (account, server, hour, byte_seconds, bytes, shares)
      select old.account, old.server, hour,
             case hour when metered_hour
               then old.byte_seconds
                 + old.bytes * extract(epoch from hour + interval '1 hour' - old.changed_at)
               else old.bytes * 3600
             end, old.bytes, old.shares
        from generate_series(metered_hour, this_hour - interval '1 hour', interval '1 hour') as hour
       where old.shares <> 0 or (hour = metered_hour and old.byte_seconds <> 0)
          on conflict do nothing;
      new.byte_seconds := old.bytes * extract(epoch from now() - this_hour);
      return new;
    end $$;
    comment on function meter is
      'Counts byte-seconds on at each change of a row of usage_totals, and writes the hours that are over to usage_ledger.';
    create trigger meter before update on usage_totals for each row execute function meter();

    create function changed_meanwhile() returns bigint language plpgsql as $$
    begin
      raise exception 'a row that the statement did not see was changed meanwhile'
        using errcode = 'serialization_failure';
    end $$;
    comment on function changed_meanwhile is
      'Fails in such a way that the statement is run again: it then sees what it must know to keep the totals right.';

    insert into usage_totals (server, account, bytes, shares, promised)
    select server, account, sum(bytes), sum(shares), sum(promised)
      from (select leases.server, account, size as bytes, 1 as shares, 0 as promised
              from leases join shares using (server, storage_index, share_number)
             union all
            select server, uploader, 0, 0, size from shares where state = 'coming' and uploader is not null
           ) as counted (server, account, bytes, shares, promised)
     group by server, account;

    create type damaged_part as enum ('container', 'content');
    create table damaged_shares (
      server integer not null,
      storage_index bytea not null,
      share_number integer not null,
      found_at timestamptz not null default now(),
      found_by text not null,
      problem text not null,
      part damaged_part not null default 'container',
      primary key (server, storage_index, share_number)
    );
    comment on table damaged_shares is 'Shares that are kept but not listed. found_by: read, walk or scrub.';
    comment on column damaged_shares.part is
      'container: its file or the disk, kept until released; content: what a client put into it, kept while leased.';

    create table scrubs (
      server integer primary key,
      started_at timestamptz not null,
      finished_at timestamptz,
      next_section integer not null default 0,
      shares bigint not null default 0,
      bytes bigint not null default 0,
      damaged bigint not null default 0
    );
    comment on table scrubs is 'The last walk that read every share, or the one under way.';
  `,
};
