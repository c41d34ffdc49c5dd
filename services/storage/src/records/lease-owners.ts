import { leaseEnd } from './lease-end.js';

/**
 * SQL of common table expressions that end in `owners`: who gets which lease, and until when, where accounts are to have
 * leases on shares. That is the account itself, but for a repairer, which stores for others: instead of it those accounts
 * that have a lease on any share of the file, on any server of the database, each until the latest end of these. So
 * nobody's lease becomes longer, and no quota is asked. Where nobody has one, the repairer does.
 *
 * Rows of `owners`: `storage_index`, `share_number`, `account`, `expires_at`.
 *
 * @param wanted name of an expression before these with `storage_index`, `share_number` and `account`
 * @param seconds SQL for how long a lease lasts whose account says nothing of it
 */
export function leaseOwners(wanted: string, seconds: string): string {
  // Server by server, as the key of leases begins with it; and nothing of it is done where nobody is a repairer.
  return `keepers as materialized (
      select storage_index, share_number, kept.account, max(kept.expires_at) as expires_at
        from (select storage_index, share_number from ${wanted}
               where (select repairer from storage.accounts where key = account)) as repaired
       cross join storage.servers as s
       cross join lateral (
         select l.account, l.expires_at from storage.leases as l
          where l.server = s.key and l.storage_index = repaired.storage_index and l.expires_at > now()
         offset 0) as kept
       where (select repairer from storage.accounts where key = kept.account) is not true
       group by 1, 2, 3),
    owners as (
      select storage_index, share_number, account, expires_at from keepers
       union all
      select storage_index, share_number, account, ${leaseEnd('account', seconds)}
        from ${wanted} as wanted_by
       where (select repairer from storage.accounts where key = account) is not true
          or not exists (select from keepers
                          where keepers.storage_index = wanted_by.storage_index
                            and keepers.share_number = wanted_by.share_number))`;
}

/**
 * SQL of a common table expression `leased`, after `leaseOwners`: gives the owners their leases. Its rows have `begun`, which
 * is false where a lease was only renewed.
 */
export const leaseShares = `leased as (
    insert into storage.leases (server, storage_index, share_number, account, renewed_at, expires_at)
    select $1, storage_index, share_number, account, now(), expires_at
      from owners
     order by storage_index, share_number, account
    on conflict (server, storage_index, share_number, account) do update
      set renewed_at = excluded.renewed_at,
          expires_at = greatest(leases.expires_at, excluded.expires_at)
    returning storage_index, share_number, account, xmax = 0 as begun)`;
