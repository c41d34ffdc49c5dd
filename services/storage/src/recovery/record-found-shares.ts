import type { ShareAddress } from '@holdfast/lafs';
import type { PoolClient } from 'pg';
import { changedBeforeLock } from '../records/changed-before-lock.js';
import { leaseOwners } from '../records/lease-owners.js';
import type { ShareKind } from '../share-backend/share-backend.js';
import { changeTotals } from '../usage/totals.js';

/** A share that was found in the backend. */
export interface FoundShare extends ShareAddress {
  readonly kind: ShareKind;
  /** Bytes of data. */
  readonly size: number;
  /** Keys of the accounts that its own leases name, as far as they can be believed. */
  readonly holders: readonly number[];
}

/**
 * Records shares that are in the backend, each with leases: the uploader's where the share was coming, else of the
 * accounts that hold it, else one of `starter`; but for repairers' (see `leaseOwners`). Changes nothing where a share is
 * stable or going.
 *
 * @param client in whose transaction it is done: it may fail as one that is to be run again
 * @param server the server's key
 * @param leaseSeconds how long a lease lasts whose account says nothing of it
 * @returns how many were recorded
 */
export async function recordFoundShares(
  client: PoolClient,
  { server, leaseSeconds }: { readonly server: number; readonly leaseSeconds: number },
  shares: readonly FoundShare[],
): Promise<number> {
  const held = shares.flatMap((share) => share.holders.map((holder) => ({ ...share, holder })));
  const { rows } = await client.query<{ adopted: number }>({
    name: 'storage-adopt',
    text: `with found as (
         select * from unnest($2::bytea[], $3::int[], $4::bigint[], $5::storage.share_kind[])
           as found (storage_index, share_number, size, kind)),
       held as (
         select distinct storage_index, share_number, key as account
           from unnest($6::bytea[], $7::int[], $8::int[]) as held (storage_index, share_number, holder)
           join storage.accounts on key = holder),
       before as materialized (
         select storage_index, share_number, shares.size, uploader, ${changedBeforeLock} as changed
           from found join storage.shares using (storage_index, share_number)
          where server = $1 and state = 'coming'
          order by storage_index, share_number for update of shares),
       kept as (
         insert into storage.shares as known (server, storage_index, share_number, state, size, kind)
         select $1, storage_index, share_number, 'stable', found.size, found.kind
           from found left join before using (storage_index, share_number)
          order by storage_index, share_number
         on conflict (server, storage_index, share_number)
           do update set state = 'stable', size = excluded.size, kind = excluded.kind
           where known.state = 'coming'
         returning storage_index, share_number, size, uploader, xmax = 0 as added),
       owned as (
         select distinct storage_index, share_number,
                coalesce(uploader, held.account,
                         (select key from storage.accounts where name = 'starter')) as account
           from kept left join held using (storage_index, share_number)),
       ${leaseOwners('owned', '$9')},
       leased as (
         insert into storage.leases (server, storage_index, share_number, account, renewed_at, expires_at)
         select $1, storage_index, share_number, account, now(), max(expires_at) from owners
          group by storage_index, share_number, account
          order by storage_index, share_number, account
         on conflict do nothing
         returning storage_index, share_number, account),
       changed (account, bytes, shares, promised) as (
         select before.uploader, 0, 0, case when added then 0 else -before.size end
           from kept join before using (storage_index, share_number) where before.uploader is not null
          union all
         select uploader, 0, 0, storage.changed_meanwhile() from kept
          where not added and not exists (select from before
                  where before.storage_index = kept.storage_index and before.share_number = kept.share_number
                    and not changed)
          union all
         select account, size, 1, 0 from leased join kept using (storage_index, share_number)
          union all
         -- Leases that were there before: on a share that came again, or whose record was lost.
         select account, kept.size - case when added then 0 else before.size end, added::int, 0
           from kept left join before using (storage_index, share_number)
           join storage.leases on leases.server = $1 and leases.storage_index = kept.storage_index
            and leases.share_number = kept.share_number),
       ${changeTotals}
       select count(*)::int as adopted from kept`,
    values: [
      server,
      shares.map((share) => Buffer.from(share.storageIndex)),
      shares.map((share) => share.shareNumber),
      shares.map((share) => share.size),
      shares.map((share) => share.kind),
      held.map((share) => Buffer.from(share.storageIndex)),
      held.map((share) => share.shareNumber),
      held.map((share) => share.holder),
      leaseSeconds,
    ],
  });
  return rows[0]?.adopted ?? 0;
}
