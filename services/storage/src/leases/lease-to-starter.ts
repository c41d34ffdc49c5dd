import type { ShareAddress } from '@holdfast/lafs';
import type { PoolClient } from 'pg';
import { leaseEnd } from '../records/lease-end.js';
import { lockShares } from '../records/lock-shares.js';
import { changeTotals } from '../usage/totals.js';

/**
 * Gives those of some shares that are stable, and that nobody has a lease on, one of the account `starter`: only where a
 * lease runs out does a collection look at a share.
 *
 * @param client in whose transaction it is done
 * @param server the server's key
 * @param leaseDuration milliseconds, where `starter` has none of its own
 * @returns how many got one
 */
export async function leaseToStarter(
  client: PoolClient,
  server: number,
  shares: readonly ShareAddress[],
  leaseDuration: number,
): Promise<number> {
  if (shares.length === 0) return 0;
  // A statement of its own: one that waits for somebody who adds a lease would not see that lease.
  await lockShares(client, server, shares);
  const { rows } = await client.query<{ leased: number }>({
    name: 'storage-lease-to-starter',
    text: `with unleased as materialized (
             select storage_index, share_number, size
               from storage.shares join unnest($2::bytea[], $3::int[]) as given (storage_index, share_number)
                      using (storage_index, share_number)
              where server = $1 and state = 'stable'
                and not exists (select from storage.leases as l
                                 where l.server = $1 and l.storage_index = shares.storage_index
                                   and l.share_number = shares.share_number)),
           starter (account) as materialized (select key from storage.accounts where name = 'starter'),
           leased as (
             insert into storage.leases (server, storage_index, share_number, account, renewed_at, expires_at)
             select $1, storage_index, share_number, account, now(), ${leaseEnd('starter.account', '$4')}
               from unleased, starter order by storage_index, share_number
             on conflict do nothing
             returning storage_index, share_number, account),
           changed (account, bytes, shares, promised) as (
             select account, size, 1, 0 from leased join unleased using (storage_index, share_number)),
           ${changeTotals}
           select count(*)::int as leased from leased`,
    values: [
      server,
      shares.map(({ storageIndex }) => Buffer.from(storageIndex)),
      shares.map(({ shareNumber }) => shareNumber),
      leaseDuration / 1000,
    ],
  });
  return rows[0]?.leased ?? 0;
}
