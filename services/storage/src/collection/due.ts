import type pg from 'pg';

/** What a pass would end and free, for one account. */
export interface DueOfAccount {
  readonly account: string;
  /** Leases that have run out. */
  readonly leases: number;
  /** Bytes of share data under them. */
  readonly bytes: number;
}

/** What a pass would do. */
export interface Due {
  readonly accounts: readonly DueOfAccount[];
  /** Shares that it would remove. */
  readonly shares: number;
  /** Bytes of data that they have. */
  readonly bytes: number;
  /** Shares without a lease that it would keep, because their container is damaged. */
  readonly damaged: { readonly shares: number; readonly bytes: number };
}

/** How many leases a pass would end now: much less work than `due`, which looks at each share. */
export async function leasesDue(client: Pick<pg.ClientBase, 'query'>, server: number): Promise<number> {
  const { rows } = await client.query<{ leases: number }>(
    'select count(*)::int as leases from storage.leases where server = $1 and expires_at <= now()',
    [server],
  );
  return rows[0]?.leases ?? 0;
}

/** What a pass would do now: the leases that it would end, by account, and the shares that it would remove. */
export async function due(client: pg.ClientBase, server: number): Promise<Due> {
  const { rows: accounts } = await client.query<DueOfAccount>(
    `select name as account, count(*)::int as leases, coalesce(sum(size), 0)::bigint as bytes
       from storage.leases join storage.accounts on key = account
       left join storage.shares using (server, storage_index, share_number)
      where server = $1 and expires_at <= now()
      group by name order by name`,
    [server],
  );
  const { rows } = await client.query<{ shares: number; bytes: number }>(
    `select count(*)::int as shares, coalesce(sum(size), 0)::bigint as bytes
       from storage.shares as s
      where server = $1 and (state = 'going' or state = 'stable'
        and (storage_index, share_number) in (select storage_index, share_number from storage.leases
                                               where server = $1 and expires_at <= now())
        and not exists (select from storage.leases as l
                         where l.server = $1 and l.storage_index = s.storage_index
                           and l.share_number = s.share_number and l.expires_at > now())
        and not exists (select from storage.damaged_shares as d
                         where d.server = $1 and d.storage_index = s.storage_index
                           and d.share_number = s.share_number and d.part = 'container'))`,
    [server],
  );
  const { rows: damaged } = await client.query<{ shares: number; bytes: number }>(
    `select count(*)::int as shares, coalesce(sum(size), 0)::bigint as bytes
       from storage.damaged_shares as d join storage.shares using (server, storage_index, share_number)
      where server = $1 and state = 'stable' and part = 'container'
        and not exists (select from storage.leases as l
                         where l.server = $1 and l.storage_index = d.storage_index
                           and l.share_number = d.share_number and l.expires_at > now())`,
    [server],
  );
  return {
    accounts,
    ...(rows[0] as { shares: number; bytes: number }),
    damaged: damaged[0] as { shares: number; bytes: number },
  };
}
