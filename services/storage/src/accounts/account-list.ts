import type { Database } from '@holdfast/common/database';
import type { AccountState } from '../records/accounts.js';
import { AccountError } from './account-error.js';

/** What an account holds. */
export interface AccountUsage {
  /** Bytes of share data under its leases. */
  readonly bytes: number;
  /** Shares under its leases. */
  readonly shares: number;
  /** Bytes promised to its uploads. */
  readonly promised: number;
}

/** An account as its operator sees it. */
export interface AccountSummary extends AccountUsage {
  readonly name: string;
  readonly state: AccountState;
  /** Most bytes of share data over all servers; null: no limit. */
  readonly quota: number | null;
  /** Seconds that its leases last; null: as each server is configured. */
  readonly leaseSeconds: number | null;
  readonly createdAt: Date;
  /** Whether what it stores is leased to those who have leases on a file's other shares. */
  readonly repairer: boolean;
  /** Nickname or id of the storage server whose folder can open its secret; null where it has no secret. */
  readonly keeper: string | null;
}

/** What an account holds at one server. */
export interface ServerUsage extends AccountUsage {
  readonly serverId: string;
  /** Null for one that has not run yet. */
  readonly nickname: string | null;
  /** Whether the server has been told how to recognise the account. */
  readonly registered: boolean;
}

const columns = `a.name, a.state, a.quota, a.lease_seconds as "leaseSeconds", a.created_at as "createdAt", a.repairer,
  coalesce(k.description->>'nickname', k.server_id) as keeper,
  coalesce(u.bytes, 0) as bytes, coalesce(u.shares, 0) as shares, coalesce(u.promised, 0) as promised`;

const keepers = `left join storage.sealed_secrets as b on b.account = a.key
  left join storage.servers as k on k.key = b.keeper`;

const totals =
  'sum(bytes)::bigint as bytes, sum(shares)::bigint as shares, sum(promised)::bigint as promised';

/** All accounts in order of name. Reads the running totals, never leases. */
export async function listAccounts(database: Database): Promise<AccountSummary[]> {
  const { rows } = await database.pool.query<AccountSummary>(
    `select ${columns}
       from storage.accounts as a ${keepers}
       left join (select account, ${totals} from storage.usage_totals group by account) as u on u.account = a.key
      order by a.name`,
  );
  return rows;
}

/**
 * One account, and what it holds at each server.
 *
 * @throws AccountError `no-such-account`
 */
export async function showAccount(
  database: Database,
  name: string,
): Promise<AccountSummary & { readonly servers: readonly ServerUsage[] }> {
  const { rows } = await database.pool.query<AccountSummary & { key: number }>(
    `select a.key, ${columns}
       from storage.accounts as a ${keepers}
      cross join lateral (select ${totals}
                            from storage.servers as s
                            join storage.usage_totals as t on t.server = s.key and t.account = a.key) as u
      where a.name = $1`,
    [name],
  );
  if (!rows[0]) throw new AccountError('no-such-account', name, `there is no account ${name}`);
  const { key, ...account } = rows[0];
  const { rows: servers } = await database.pool.query<ServerUsage>(
    `select s.server_id as "serverId", s.description->>'nickname' as nickname,
            coalesce(t.bytes, 0) as bytes, coalesce(t.shares, 0) as shares, coalesce(t.promised, 0) as promised,
            exists (select from storage.credentials as c where c.server = s.key and c.account = $1) as registered
       from storage.servers as s
       left join storage.usage_totals as t on t.server = s.key and t.account = $1
      order by s.description->>'nickname', s.server_id`,
    [key],
  );
  return { ...account, servers };
}
