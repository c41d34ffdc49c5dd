import type { TestServer } from './test-server.js';

/** Accounts whose totals are not the sums over their leases and coming shares: there should be none. */
export function wrongTotals(server: Pick<TestServer, 'sql'>): Promise<object[]> {
  return server.sql(
    `with counted as (
       select server, account, sum(bytes) as bytes, sum(shares) as shares, sum(promised) as promised
         from (select leases.server, account, size, 1, 0
                 from storage.leases join storage.shares using (server, storage_index, share_number)
                union all
               select server, uploader, 0, 0, size from storage.shares
                where state = 'coming' and uploader is not null) as each (server, account, bytes, shares, promised)
        group by server, account)
     select * from counted full join storage.usage_totals as kept using (server, account)
      where (coalesce(counted.bytes, 0), coalesce(counted.shares, 0), coalesce(counted.promised, 0))
            <> (coalesce(kept.bytes, 0), coalesce(kept.shares, 0), coalesce(kept.promised, 0))`,
  );
}
