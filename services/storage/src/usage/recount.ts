import { type Database, patientQuery } from '@holdfast/common/database';

/** How far the totals of an account were from its leases and uploads: what was kept less what was counted. */
export interface TotalsError {
  /** The account's key. */
  readonly account: number;
  readonly bytes: number;
  readonly shares: number;
  readonly promised: number;
}

/**
 * Counts the totals of one server anew from its leases and coming shares, and puts right what differs. To be called
 * while nothing else changes that server's rows.
 *
 * @returns what differed: nothing, unless a release that keeps no totals has used the database
 */
export async function recountTotals(database: Database, server: number): Promise<TotalsError[]> {
  return database.transaction(async (client) => {
    // A server with very many leases must not be kept from starting.
    const query = await patientQuery(client);
    await query('select from storage.usage_totals where server = $1 order by account for update', [server]);
    const { rows } = await query<TotalsError>(
      `with counted as (
         select account, sum(bytes)::bigint as bytes, sum(shares)::bigint as shares, sum(promised)::bigint as promised
           from (select account, size, 1, 0
                   from storage.leases join storage.shares using (server, storage_index, share_number)
                  where server = $1
                  union all
                 select uploader, 0, 0, size from storage.shares
                  where server = $1 and state = 'coming' and uploader is not null
                ) as each (account, bytes, shares, promised)
          group by account),
       different as (
         select account,
                coalesce(counted.bytes, 0) as bytes, coalesce(counted.shares, 0) as shares,
                coalesce(counted.promised, 0) as promised,
                coalesce(kept.bytes, 0) - coalesce(counted.bytes, 0) as wrong_bytes,
                coalesce(kept.shares, 0) - coalesce(counted.shares, 0) as wrong_shares,
                coalesce(kept.promised, 0) - coalesce(counted.promised, 0) as wrong_promised
           from counted full join (select * from storage.usage_totals where server = $1) as kept using (account)),
       wrong as (
         select * from different where wrong_bytes <> 0 or wrong_shares <> 0 or wrong_promised <> 0),
       mended as (
         insert into storage.usage_totals (server, account, bytes, shares, promised)
         select $1, account, bytes, shares, promised from wrong order by account
         on conflict (server, account) do update
           set bytes = excluded.bytes, shares = excluded.shares, promised = excluded.promised)
       select account, wrong_bytes as bytes, wrong_shares as shares, wrong_promised as promised
         from wrong order by account`,
      [server],
    );
    return rows;
  });
}
