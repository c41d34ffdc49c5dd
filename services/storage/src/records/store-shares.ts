import type { ShareAddress } from '@holdfast/lafs';
import type { Pool } from 'pg';
import { changeTotals } from '../usage/totals.js';
import { leaseOwners } from './lease-owners.js';
import { keyOf, type UploadedShare } from './share-records.js';

/**
 * What became of a share that is in its place without having been recorded as coming: `stored` with its lease; or not
 * recorded, as there is a row of it already (`known`) or its account has a quota (`limited`).
 */
export type StoreOutcome = 'stored' | 'known' | 'limited';

/**
 * Records shares as stored, with the uploader's leases, in one statement. May be run again where its answer was lost:
 * what it recorded is then `known`.
 *
 * @param leaseSeconds how long a lease lasts where the account does not say
 * @returns for each share what became of it
 */
export async function insertStored(
  pool: Pool,
  server: number,
  leaseSeconds: number,
  shares: readonly UploadedShare[],
): Promise<StoreOutcome[]> {
  const { rows } = await pool.query<{ storage_index: Buffer; share_number: number; limited: boolean }>({
    name: 'storage-store',
    text: `with wanted as (
             select *, (select quota is not null from storage.accounts where key = account) as limited
               from unnest($2::bytea[], $3::int[], $4::bigint[], $5::int[])
                 as wanted (storage_index, share_number, size, account)),
           stable as (
             insert into storage.shares (server, storage_index, share_number, state, size, uploader)
             select $1, storage_index, share_number, 'stable', size, account
               from wanted where not limited
              order by storage_index, share_number
             on conflict do nothing
             returning storage_index, share_number, size, uploader as account),
           ${leaseOwners('stable', '$6')},
           leased as (
             insert into storage.leases (server, storage_index, share_number, account, renewed_at, expires_at)
             select $1, storage_index, share_number, account, now(), expires_at
               from owners
              order by storage_index, share_number, account
             on conflict (server, storage_index, share_number, account) do update
               set renewed_at = excluded.renewed_at,
                   expires_at = greatest(leases.expires_at, excluded.expires_at)
             returning storage_index, share_number, account, xmax = 0 as begun),
           changed (account, bytes, shares, promised) as (
             select leased.account, stable.size, 1, 0
               from leased join stable using (storage_index, share_number) where begun),
           ${changeTotals}
           select storage_index, share_number, limited
             from wanted left join stable using (storage_index, share_number) where stable.size is null`,
    values: [
      server,
      shares.map(({ storageIndex }) => Buffer.from(storageIndex)),
      shares.map(({ shareNumber }) => shareNumber),
      shares.map(({ size }) => size),
      shares.map(({ account }) => account),
      leaseSeconds,
    ],
  });
  const passedOver = new Map<string, StoreOutcome>();
  for (const { storage_index, share_number, limited } of rows) {
    const address: ShareAddress = { storageIndex: storage_index, shareNumber: share_number };
    passedOver.set(keyOf(address), limited ? 'limited' : 'known');
  }
  return shares.map((share) => passedOver.get(keyOf(share)) ?? 'stored');
}
