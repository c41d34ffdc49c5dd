import type { Database } from '@holdfast/common/database';
import type pg from 'pg';
import type { CopiedAccounts } from './account-copy.js';
import type { Generation } from './generation.js';

/** A number that changes when anything changes that the copy has in it. */
export async function accountsFingerprint(database: Database, server: number): Promise<string> {
  const { rows } = await database.pool.query<{ fingerprint: string }>(
    `select coalesce(sum(hashtextextended(line, 0)), 0)::text as fingerprint
       from (select accounts::text from storage.accounts
              union all
             select (key, server_id, description, leaving_since)::text from storage.servers
              union all
             select credentials::text from storage.credentials where server = $1
              union all
             select sealed_secrets::text from storage.sealed_secrets
              union all
             select lease_default::text from storage.lease_default) as lines (line)`,
    [server],
  );
  return rows[0]?.fingerprint ?? '';
}

/**
 * All that the copy has in it, as it is now, of records that are current.
 *
 * @throws RecordsNotCurrentError, MarkError, or Postgres' own error
 */
export async function gatherAccounts(
  database: Database,
  server: number,
  generation: Generation,
): Promise<CopiedAccounts> {
  return database.transaction(async (client) => {
    await client.query('set transaction isolation level repeatable read, read only');
    // Of one snapshot with the accounts.
    await generation.requireCurrentIn(client, { hold: false });
    const rows = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await client.query<Row>(text, values)).rows;
    const servers = await rows<WithNull<CopiedAccounts['servers'][number], 'leaving_since'>>(
      'select key, server_id, description, leaving_since::text from storage.servers order by key',
    );
    const accounts = await rows<WithNull<CopiedAccounts['accounts'][number], 'repairer' | 'changed_at'>>(
      `select key, name, created_at::text, state, quota, lease_seconds, nullif(repairer, false) as repairer,
              to_char(changed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as changed_at
         from storage.accounts order by key`,
    );
    return {
      servers: servers.map(({ leaving_since: since, ...server }) => ({
        ...server,
        ...(since === null ? {} : { leaving_since: since }),
      })),
      accounts: accounts.map(({ repairer, changed_at: changed, ...account }) => ({
        ...account,
        ...(repairer ? { repairer } : {}),
        ...(changed === null ? {} : { changed_at: changed }),
      })),
      credentials: await rows<CopiedAccounts['credentials'][number]>(
        `select encode(credential_hash, 'hex') as credential_hash, account from storage.credentials
          where server = $1 and account <> (select key from storage.accounts where name = 'anonymous')
          order by account`,
        [server],
      ),
      sealed_secrets: await rows<CopiedAccounts['sealed_secrets'][number]>(
        `select account, keeper, encode(sealed, 'hex') as sealed from storage.sealed_secrets order by account`,
      ),
      lease_seconds:
        (await rows<{ lease_seconds: number }>('select lease_seconds from storage.lease_default'))[0]
          ?.lease_seconds ?? null,
    };
  });
}

/** A row as Postgres gives it: what the copy leaves out is null. */
type WithNull<Row, Column extends keyof Row> = Omit<Row, Column> & {
  [Name in Column]: NonNullable<Row[Name]> | null;
};

/** What became of the accounts of a copy. */
export interface RestoredAccounts {
  /** How many of them the database did not have. */
  readonly restored: number;
  /** Names of those that the database had as they were before a change which only the copy knows. */
  readonly changed: readonly string[];
  /** The key that each account of the copy has in the database, by its key in the copy. */
  readonly keys: ReadonlyMap<number, number>;
  /** Names of those that could not have their key again, because another account has it. */
  readonly rekeyed: readonly string[];
}

/**
 * Puts back what the database lacks of a copy, also the last changes of accounts that it has. All else is left as it is:
 * also where another server that shares the database did this before, at the same time, where accounts were made anew
 * under the same names, or where they were changed since.
 *
 * @param behind whether the database is an older copy of what it was when the copy of the accounts was made
 */
export async function restoreAccounts(
  database: Database,
  server: number,
  copy: CopiedAccounts,
  { behind }: { readonly behind: boolean },
): Promise<RestoredAccounts> {
  return database.transaction(async (client) => {
    await client.query(`select pg_advisory_xact_lock(hashtext('holdfast storage accounts'), 0)`);
    await restoreServers(client, server, copy);
    const { restored, changed } = await restoreRows(client, copy, behind);
    const keys = await currentKeys(client, copy);
    await restoreCredentials(client, server, copy, keys);
    await restoreSecrets(client, copy, keys);
    await restoreLeaseDefault(client, copy);
    const rekeyed = copy.accounts.filter(({ key }) => keys.get(key) !== key).map(({ name }) => name);
    return { restored, changed, keys, rekeyed };
  });
}

async function restoreServers(
  client: pg.ClientBase,
  server: number,
  { servers }: CopiedAccounts,
): Promise<void> {
  await client.query(
    `insert into storage.servers (key, server_id, description, leaving_since) overriding system value
     select * from unnest($1::int[], $2::text[], $3::jsonb[], $4::timestamptz[]) on conflict do nothing`,
    [
      servers.map(({ key }) => key),
      servers.map(({ server_id }) => server_id),
      servers.map(({ description }) => (description === null ? null : JSON.stringify(description))),
      servers.map(({ leaving_since: since }) => since ?? null),
    ],
  );
  // It registered itself before its copy was read.
  await client.query(
    `update storage.servers set leaving_since = copied.leaving_since
       from unnest($2::text[], $3::timestamptz[]) as copied (server_id, leaving_since)
      where key = $1 and servers.server_id = copied.server_id and servers.leaving_since is null`,
    [
      server,
      servers.map(({ server_id }) => server_id),
      servers.map(({ leaving_since: since }) => since ?? null),
    ],
  );
  await advance(client, 'servers', servers);
}

async function restoreRows(
  client: pg.ClientBase,
  { accounts }: CopiedAccounts,
  behind: boolean,
): Promise<Pick<RestoredAccounts, 'restored' | 'changed'>> {
  await advance(client, 'accounts', accounts);
  const values = [
    accounts.map(({ key }) => key),
    accounts.map(({ name }) => name),
    accounts.map(({ created_at }) => created_at),
    accounts.map(({ state }) => state),
    accounts.map(({ quota }) => quota),
    accounts.map(({ lease_seconds }) => lease_seconds),
    accounts.map(({ repairer = false }) => repairer),
    accounts.map(({ changed_at: changed }) => changed ?? null),
  ];
  const copied = `unnest($1::int[], $2::text[], $3::timestamptz[], $4::storage.account_state[], $5::bigint[],
                         $6::bigint[], $7::boolean[], $8::timestamptz[])
    as copied (key, name, created_at, state, quota, lease_seconds, repairer, changed_at)`;
  const withKey = await client.query(
    `insert into storage.accounts (key, name, created_at, state, quota, lease_seconds, repairer, changed_at)
       overriding system value
     select * from ${copied} on conflict do nothing`,
    values,
  );
  const withAnother = await client.query(
    `insert into storage.accounts (name, created_at, state, quota, lease_seconds, repairer, changed_at)
     select name, created_at, state, quota, lease_seconds, repairer, changed_at from ${copied}
      where not exists (select from storage.accounts as known where known.name = copied.name)
        and key is not null`,
    values,
  );
  const first = await restoreFirstAccounts(client, copied, values);
  const changed = await restoreChanges(client, copied, values, behind);
  // Not in the statements that changed them, where the row's trigger says that it was just now.
  await client.query(
    `update storage.accounts set changed_at = copied.changed_at from ${copied}
      where accounts.name = copied.name and copied.name = any($9)`,
    [...values, [...first, ...changed]],
  );
  return { restored: (withKey.rowCount ?? 0) + (withAnother.rowCount ?? 0), changed };
}

/**
 * A database that was made anew has `anonymous` as every new one has it. If it was shut out before, losing the database
 * must not let everybody in again. That it was made anew is seen from its age, which is then the one of before.
 *
 * @returns names of those that are as they were
 */
async function restoreFirstAccounts(
  client: pg.ClientBase,
  copied: string,
  values: unknown[],
): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `update storage.accounts as a
        set state = copied.state, quota = copied.quota, lease_seconds = copied.lease_seconds,
            created_at = copied.created_at
       from ${copied}
      where a.name = copied.name and a.name in ('anonymous', 'starter') and a.key = copied.key
        and a.created_at > copied.created_at
      returning a.name`,
    values,
  );
  return rows.map(({ name }) => name);
}

/**
 * An older copy of the database has accounts as they were: who was shut out since must not be let in again. Which is the
 * newer, the row or the copy of it, is told by when each was last changed. Where that is the same and they differ, both
 * are from before it was written down: then a database that is behind has what was before the copy.
 *
 * @returns names of those that were changed
 */
async function restoreChanges(
  client: pg.ClientBase,
  copied: string,
  values: unknown[],
  behind: boolean,
): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `update storage.accounts as a
        set state = copied.state, quota = copied.quota, lease_seconds = copied.lease_seconds,
            repairer = copied.repairer
       from ${copied}
      where a.name = copied.name and a.key = copied.key
        and (a.state, a.quota, a.lease_seconds, a.repairer)
            is distinct from (copied.state, copied.quota, copied.lease_seconds, copied.repairer)
        and (coalesce(copied.changed_at, copied.created_at) > coalesce(a.changed_at, a.created_at)
             or $9 and coalesce(copied.changed_at, copied.created_at) = coalesce(a.changed_at, a.created_at))
      returning a.name`,
    [...values, behind],
  );
  return rows.map(({ name }) => name).sort();
}

/** Makes sure that no row added later gets a key that one of these rows has. */
async function advance(
  client: pg.ClientBase,
  table: 'servers' | 'accounts',
  rows: readonly { readonly key: number }[],
): Promise<void> {
  await client.query(
    `select setval(sequence, greatest($2, (select max(key) from storage.${table}), nextval(sequence) - 1))
       from pg_get_serial_sequence($1, 'key') as sequence`,
    [`storage.${table}`, rows.reduce((highest, { key }) => Math.max(highest, key), 1)],
  );
}

async function currentKeys(
  client: pg.ClientBase,
  { accounts }: CopiedAccounts,
): Promise<Map<number, number>> {
  const { rows } = await client.query<{ copied: number; key: number }>(
    `select copied.key as copied, accounts.key
       from unnest($1::int[], $2::text[]) as copied (key, name) join storage.accounts using (name)`,
    [accounts.map(({ key }) => key), accounts.map(({ name }) => name)],
  );
  return new Map(rows.map(({ copied, key }) => [copied, key]));
}

async function restoreCredentials(
  client: pg.ClientBase,
  server: number,
  { credentials }: CopiedAccounts,
  keys: ReadonlyMap<number, number>,
): Promise<void> {
  await client.query(
    `insert into storage.credentials (server, credential_hash, account)
     select $1, decode(hash, 'hex'), account from unnest($2::text[], $3::int[]) as copied (hash, account)
     on conflict do nothing`,
    [
      server,
      credentials.map(({ credential_hash }) => credential_hash),
      credentials.map(({ account }) => keys.get(account)),
    ],
  );
}

/** A secret is sealed for a key and a name: under another key it could not be opened. */
async function restoreSecrets(
  client: pg.ClientBase,
  { servers, sealed_secrets }: CopiedAccounts,
  keys: ReadonlyMap<number, number>,
): Promise<void> {
  const ids = new Map(servers.map(({ key, server_id }) => [key, server_id]));
  const kept = sealed_secrets.filter(({ account }) => keys.get(account) === account);
  await client.query(
    `insert into storage.sealed_secrets (account, keeper, sealed)
     select account, key, decode(sealed, 'hex')
       from unnest($1::int[], $2::text[], $3::text[]) as copied (account, server_id, sealed)
       join storage.servers using (server_id)
     on conflict do nothing`,
    [
      kept.map(({ account }) => account),
      kept.map(({ keeper }) => ids.get(keeper)),
      kept.map(({ sealed }) => sealed),
    ],
  );
}

async function restoreLeaseDefault(client: pg.ClientBase, { lease_seconds }: CopiedAccounts): Promise<void> {
  if (lease_seconds === null) return;
  await client.query('insert into storage.lease_default (lease_seconds) values ($1) on conflict do nothing', [
    lease_seconds,
  ]);
}
