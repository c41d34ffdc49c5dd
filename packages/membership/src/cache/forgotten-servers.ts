import { believedAhead } from '@holdfast/common/announcements';
import type { Database } from '@holdfast/common/database';

/** A server that is forgotten, and the seqnum above which an announcement brings it back. */
export interface ForgottenServer {
  readonly serverId: string;
  readonly seqnum: number;
}

/**
 * Writes down when servers answered.
 *
 * @returns those that the cache has, of which it could be written down
 */
export async function noteReached(
  database: Database,
  grid: string,
  reached: readonly { readonly serverId: string; readonly at: Date }[],
): Promise<Set<string>> {
  if (reached.length === 0) return new Set();
  // Rows are locked in one order, so that two nodes of a cache cannot lock each other out.
  const { rows } = await database.pool.query<{ server_id: string }>(
    `with reached as (
       select server_id, reached_at
         from unnest($2::text[], $3::timestamptz[]) as reached (server_id, reached_at)
     ), locked as (
       select introducer, server_id, reached_at
         from membership.announcements join reached using (server_id)
        where grid = $1
        order by introducer, server_id
          for update of announcements
     )
     update membership.announcements as known
        set last_reached = greatest(known.last_reached, locked.reached_at)
       from locked
      where known.grid = $1 and known.introducer = locked.introducer and known.server_id = locked.server_id
     returning known.server_id`,
    [grid, reached.map(({ serverId }) => serverId), reached.map(({ at }) => at)],
  );
  return new Set(rows.map(({ server_id }) => server_id));
}

/** The servers of which nothing new was heard, and which nobody reached, for `forMs` milliseconds. */
export async function silentServers(database: Database, grid: string, forMs: number): Promise<string[]> {
  const { rows } = await database.pool.query<{ server_id: string }>(
    `select server_id from membership.announcements
      where grid = $1
      group by server_id
     having greatest(max(last_heard), max(last_reached)) < now() - $2 * interval '1 millisecond'`,
    [grid, forMs],
  );
  return rows.map(({ server_id }) => server_id);
}

/**
 * Forgets all that was announced of servers, whoever told it. Nodes of the cache that run close their connections to
 * them within ten seconds. Of a server whose clock was far ahead what it announces by the right time brings it back.
 *
 * @param silentFor only those of which nothing new was heard, and which nobody reached, for so many milliseconds; all
 *   where not given
 * @returns those that were known
 */
export async function forgetServers(
  database: Database,
  grid: string,
  serverIds: readonly string[],
  silentFor?: number,
): Promise<string[]> {
  // Whether one is silent is judged by its locked rows, all of them together: another node may just have heard or reached
  // it. They are locked in the order in which others take many, so that nobody waits in a circle.
  const { rows } = await database.pool.query<{ server_id: string }>(
    `with locked as (
       select introducer, server_id, last_heard, last_reached
         from membership.announcements
        where grid = $1 and server_id = any($2)
        order by introducer, server_id
          for update
     ), silent as (
       select server_id from locked
        group by server_id
       having $5::bigint is null
           or greatest(max(last_heard), max(last_reached)) < now() - $5 * interval '1 millisecond'
     ), gone as (
       delete from membership.announcements as known
        using locked join silent using (server_id)
        where known.grid = $1 and known.introducer = locked.introducer and known.server_id = locked.server_id
       returning known.server_id, known.seqnum
     )
     insert into membership.forgotten as known (grid, server_id, seqnum)
     select $1, server_id, case when max(seqnum) > $3::bigint + $4::bigint then $3 else max(seqnum) end
       from gone group by server_id order by server_id
     on conflict (grid, server_id) do update
        set seqnum = greatest(known.seqnum, excluded.seqnum), forgotten_at = now()
     returning server_id`,
    [grid, serverIds, Date.now(), believedAhead, silentFor ?? null],
  );
  return rows.map(({ server_id }) => server_id);
}

/**
 * The servers that were forgotten, those too that have come back with a newer announcement.
 *
 * @param withinMs only those of the last so many milliseconds; all that are still remembered where not given
 */
export async function forgottenServers(
  database: Database,
  grid: string,
  withinMs?: number,
): Promise<ForgottenServer[]> {
  const { rows } = await database.pool.query<{ server_id: string; seqnum: number }>(
    `select server_id, seqnum from membership.forgotten
      where grid = $1 and ($2::bigint is null or forgotten_at > now() - $2 * interval '1 millisecond')`,
    [grid, withinMs ?? null],
  );
  return rows.map(({ server_id, seqnum }) => ({ serverId: server_id, seqnum }));
}

/** Remembers no longer which servers were forgotten more than `forMs` milliseconds ago. */
export async function pruneForgotten(database: Database, grid: string, forMs: number): Promise<void> {
  await database.pool.query(
    `delete from membership.forgotten where grid = $1 and forgotten_at < now() - $2 * interval '1 millisecond'`,
    [grid, forMs],
  );
}
