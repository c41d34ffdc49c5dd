import type { PoolClient } from 'pg';
import { leaseEnd } from '../records/lease-end.js';
import type { UnreadableFolder } from '../share-backend/share-backend.js';

/**
 * Keeps the shares that may be in folders which cannot be read from going by records of an older time. These know nothing
 * of renewals since, so the leases on such shares begin their full duration anew; and a share that they have as on its way
 * out may have gone and come again, so that record is forgotten, and made anew where the share is seen.
 *
 * @param client in whose transaction it is done
 * @param server the server's key
 * @param leaseSeconds how long a lease lasts whose account says nothing of it
 */
export async function keepUnseen(
  client: PoolClient,
  { server, leaseSeconds }: { readonly server: number; readonly leaseSeconds: number },
  folders: readonly UnreadableFolder[],
): Promise<void> {
  const values = [
    server,
    folders.map(({ first }) => Buffer.from(first)),
    folders.map(({ last }) => Buffer.from(last)),
  ];
  await client.query(
    `delete from storage.shares using unnest($2::bytea[], $3::bytea[]) as folder (first, last)
      where server = $1 and storage_index between folder.first and folder.last and state = 'going'`,
    values,
  );
  await client.query(
    `update storage.leases set expires_at = greatest(expires_at, ${leaseEnd('account', '$4')})
       from unnest($2::bytea[], $3::bytea[]) as folder (first, last)
      where server = $1 and storage_index between folder.first and folder.last`,
    [...values, leaseSeconds],
  );
}
