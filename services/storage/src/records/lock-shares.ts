import type { ShareAddress } from '@holdfast/lafs';
import type { PoolClient } from 'pg';

/**
 * Locks the rows of some shares, in the order that all keep who lock several. The statement after this one sees them, and
 * the leases on them, as they are until the transaction ends: whoever adds a lease locks the share first.
 *
 * @param client in whose transaction it is done
 * @param server the server's key
 */
export async function lockShares(
  client: PoolClient,
  server: number,
  shares: readonly ShareAddress[],
): Promise<void> {
  await client.query({
    name: 'storage-lock-shares',
    text: `select from storage.shares join unnest($2::bytea[], $3::int[]) as wanted (storage_index, share_number)
                    using (storage_index, share_number)
            where server = $1 order by storage_index, share_number for update of shares`,
    values: [
      server,
      shares.map(({ storageIndex }) => Buffer.from(storageIndex)),
      shares.map(({ shareNumber }) => shareNumber),
    ],
  });
}
