import type { Database } from '@holdfast/common/database';
import { AccountError } from '../accounts/account-error.js';

/** What was used between two moments. */
export interface Usage {
  /** Bytes times seconds, an exact decimal number: it may pass 2^53. */
  readonly byteSeconds: string;
  /** The part of it that is in no closed hour yet, and may still grow. */
  readonly openByteSeconds: string;
  /** `byteSeconds` by 3,600. */
  readonly byteHours: number;
  /** Share data under leases at the end, in bytes. */
  readonly bytes: number;
  /** Shares under leases at the end. */
  readonly shares: number;
}

/** What was used at one server. */
export interface UsageAtServer extends Usage {
  readonly serverId: string;
  /** Null for one that has not told it yet. */
  readonly nickname: string | null;
}

/** What one account used. */
export interface UsageOfAccount extends Usage {
  readonly account: string;
  readonly servers: readonly UsageAtServer[];
}

/** Which usage is wanted. */
export interface UsagePeriod {
  /** A full hour. */
  readonly from: Date;
  /** A full hour, not included. What of it lies in the future counts nothing. */
  readonly to: Date;
  /** Its name; without it all accounts. */
  readonly account?: string | undefined;
}

interface UsageRow extends Usage {
  readonly account: string;
  /** Null in the row that adds up an account. */
  readonly serverId: string | null;
  readonly nickname: string | null;
}

/**
 * What accounts used in a period, in order of name, from the ledger of full hours, and from the totals for what is not
 * in the ledger yet: the hour under way, and those since a server stopped. Reads no leases.
 *
 * @throws AccountError `no-such-account`
 */
export async function usageReport(
  database: Database,
  { from, to, account }: UsagePeriod,
): Promise<UsageOfAccount[]> {
  const { rows: accounts } = await database.pool.query<{ key: number; name: string }>(
    'select key, name from storage.accounts where $1::text is null or name = $1 order by name',
    [account ?? null],
  );
  if (account !== undefined && accounts.length === 0)
    throw new AccountError('no-such-account', account, `there is no account ${account}`);
  const { rows } = await database.pool.query<UsageRow>(
    `with metered as (
       select account, server, bytes, shares, byte_seconds, changed_at,
              date_trunc('hour', changed_at, 'UTC') as open_hour
         from storage.usage_totals where $3::int is null or account = $3),
     closed as (
       select account, server, sum(byte_seconds) as byte_seconds
         from storage.usage_ledger
        where hour >= $1 and hour < $2 and ($3::int is null or account = $3)
        group by account, server),
     used as (
       select account, server, coalesce(closed.byte_seconds, 0) as closed,
              case when open_hour >= $1 and open_hour < $2 then metered.byte_seconds else 0 end
                + metered.bytes * greatest(0, extract(epoch from least($2, now()) - greatest($1, changed_at))) as open,
              case when $2 > open_hour then metered.bytes else coalesce(last.bytes, 0) end as bytes,
              case when $2 > open_hour then metered.shares else coalesce(last.shares, 0) end as shares
         from metered left join closed using (account, server)
         left join lateral (
           select usage_ledger.bytes, usage_ledger.shares from storage.usage_ledger
            where usage_ledger.account = metered.account and usage_ledger.server = metered.server
              and hour = $2::timestamptz - interval '1 hour') as last on true)
     select accounts.name as account, server_id as "serverId", description->>'nickname' as nickname,
            trim_scale(sum(closed + open))::text as "byteSeconds",
            trim_scale(sum(open))::text as "openByteSeconds",
            (sum(closed + open) / 3600)::float8 as "byteHours",
            sum(bytes)::bigint as bytes, sum(shares)::bigint as shares
       from used join storage.servers on servers.key = server join storage.accounts on accounts.key = account
      group by grouping sets ((accounts.name), (accounts.name, server_id, description->>'nickname'))
      order by accounts.name, nickname, server_id`,
    [from, to, account === undefined ? null : (accounts[0]?.key ?? null)],
  );
  const totals = new Map<string, Usage>();
  const servers = new Map<string, UsageAtServer[]>(accounts.map(({ name }) => [name, []]));
  for (const { account: name, serverId, nickname, ...usage } of rows) {
    if (serverId === null) totals.set(name, usage);
    else servers.get(name)?.push({ serverId, nickname, ...usage });
  }
  return accounts.map(({ name }) => ({
    account: name,
    ...(totals.get(name) ?? nothing),
    servers: servers.get(name) ?? [],
  }));
}

const nothing: Usage = { byteSeconds: '0', openByteSeconds: '0', byteHours: 0, bytes: 0, shares: 0 };
