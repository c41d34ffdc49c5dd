import type { Database } from '@holdfast/common/database';

/**
 * What every statement that changes leases or shares ends in, so that `storage.usage_totals` is changed with them.
 *
 * The statement's `$1` is the server's key. A common table expression before this one is called `changed` and has a row
 * for each difference: `account`, `bytes` and `shares` of shares under its leases, `promised` of its coming shares. It
 * must be exact when the statement is run a second time (`whileDatabaseReturns`):
 *
 * - a lease counts when it was inserted (`returning …, xmax = 0 as begun`) or deleted (`returning`), never when renewed;
 * - a share that changes its size changes the totals of every account with a lease on it;
 * - a coming share that becomes stable or is forgotten is no longer promised to its `uploader`.
 *
 * Rows of shares are locked first, then leases, then totals in order of account, so that no two statements wait for
 * each other. Whoever adds a lease locks the share (`for share`); whoever changes a size or deletes locks it too.
 */
export const changeTotals = `totals as (
  insert into storage.usage_totals as known (server, account, bytes, shares, promised)
  select $1::int, account, sum(bytes)::bigint, sum(shares)::bigint, sum(promised)::bigint
    from changed group by account
  having sum(bytes) <> 0 or sum(shares) <> 0 or sum(promised) <> 0
   order by account
  on conflict (server, account) do update
    set bytes = known.bytes + excluded.bytes,
        shares = known.shares + excluded.shares,
        promised = known.promised + excluded.promised)`;

/** What is under leases at one server, each share once for each account that holds it. */
export async function usageAt(
  database: Database,
  server: number,
): Promise<{ readonly bytes: number; readonly shares: number }> {
  const { rows } = await database.pool.query<{ bytes: number; shares: number }>(
    `select coalesce(sum(bytes), 0)::bigint as bytes, coalesce(sum(shares), 0)::bigint as shares
       from storage.usage_totals where server = $1`,
    [server],
  );
  return rows[0] as { bytes: number; shares: number };
}
