import type { ServerState } from '../decisions/index.js';
import type { Queryable } from './queryable.js';

/** A server as all repairers of a grid see it. */
export interface ServerRecord {
  readonly serverId: string;
  /** Stands for it in the records of files. */
  readonly key: number;
  readonly leaving: boolean;
  readonly state: ServerState;
  /** Whether any repairer ever reached it. */
  readonly everReached: boolean;
}

/** What a repairer sees of a server. */
export interface ServerSighting {
  readonly serverId: string;
  readonly reached: boolean;
  readonly leaving: boolean;
}

/** A server as the scheduler looks at it. */
export interface LookedAtServer extends ServerRecord {
  /** Whether any repairer reached it lately. */
  readonly reached: boolean;
  /** Whether any repairer has it among its servers: it may have been forgotten by the operator. */
  readonly known: boolean;
  readonly absence: number;
  readonly toStrike: boolean;
}

/** A repairer says what it sees this often, in milliseconds … */
export const reportEvery = 5_000;
/** … and is believed for so long. */
export const reachedFor = 30_000;
const knownFor = 10 * 60_000;
/** What was written so lately need not be written again. */
const freshFor = 10_000;

/** Writes down what a repairer sees. What another has just written is left as it is. */
export async function reportServers(
  database: Queryable,
  grid: string,
  sightings: readonly ServerSighting[],
): Promise<void> {
  const sorted = [...sightings].sort((a, b) => (a.serverId < b.serverId ? -1 : 1));
  await database.query({
    name: 'report-servers',
    text: `
      insert into repairer.servers as server (grid, server_id, leaving, reached_at, state)
      select $1, id, leaving, case when reached then now() end,
             case when not reached then 'suspected' when leaving then 'leaving' else 'active' end
        from unnest($2::text[], $3::boolean[], $4::boolean[]) as seen(id, reached, leaving)
      on conflict (grid, server_id) do update set
        known_at = now(),
        leaving = excluded.leaving,
        reached_at = coalesce(excluded.reached_at, server.reached_at)
      where server.leaving is distinct from excluded.leaving
         or server.known_at < now() - $5 * interval '1 millisecond'
         or excluded.reached_at is not null
            and (server.reached_at is null or server.reached_at < now() - $5 * interval '1 millisecond')`,
    values: [
      grid,
      sorted.map(({ serverId }) => serverId),
      sorted.map(({ reached }) => reached),
      sorted.map(({ leaving }) => leaving),
      freshFor,
    ],
  });
}

interface ServerRow {
  readonly server_id: string;
  readonly key: number;
  readonly leaving: boolean;
  readonly state: ServerState;
  readonly ever_reached: boolean;
}

/** All servers that there ever were. */
export async function listServers(database: Queryable, grid: string): Promise<ServerRecord[]> {
  const { rows } = await database.query<ServerRow>({
    name: 'list-servers',
    text: `select server_id, key, leaving, state, reached_at is not null as ever_reached
             from repairer.servers where grid = $1`,
    values: [grid],
  });
  return rows.map(recordOf);
}

/** The same for the scheduler. */
export async function lookAtServers(database: Queryable, grid: string): Promise<LookedAtServer[]> {
  const { rows } = await database.query<
    ServerRow & { reached: boolean | null; known: boolean; absence: number; to_strike: boolean }
  >({
    name: 'look-at-servers',
    text: `
      select server_id, key, leaving, state, reached_at is not null as ever_reached, absence, to_strike,
             reached_at > now() - $2 * interval '1 millisecond' as reached,
             known_at > now() - $3 * interval '1 millisecond' as known
        from repairer.servers where grid = $1`,
    values: [grid, reachedFor, knownFor],
  });
  return rows.map((row) => ({
    ...recordOf(row),
    reached: row.reached ?? false,
    known: row.known,
    absence: row.absence,
    toStrike: row.to_strike,
  }));
}

/** What became of a server by a look. */
export interface ServerChange {
  readonly key: number;
  readonly absence: number;
  readonly state: ServerState;
  readonly toStrike: boolean;
}

export async function changeServers(
  database: Queryable,
  grid: string,
  changes: readonly ServerChange[],
): Promise<void> {
  if (changes.length === 0) return;
  await database.query({
    name: 'change-servers',
    // Locked in the order in which repairers write down what they see, so that nobody waits in a circle.
    text: `
      with locked as (
        select key from repairer.servers where grid = $1 and key = any($2) order by server_id for update)
      update repairer.servers as server
         set absence = change.absence, state = change.state, to_strike = change.to_strike
        from unnest($2::integer[], $3::bigint[], $4::text[], $5::boolean[])
             as change(key, absence, state, to_strike)
             join locked using (key)
       where server.grid = $1 and server.key = change.key`,
    values: [
      grid,
      changes.map(({ key }) => key),
      changes.map(({ absence }) => Math.round(absence)),
      changes.map(({ state }) => state),
      changes.map(({ toStrike }) => toStrike),
    ],
  });
}

/** Takes it that every server which was reached still is. */
export async function assumeReached(database: Queryable, grid: string): Promise<void> {
  await database.query({
    name: 'assume-reached',
    // Locked in the order in which repairers write down what they see, as above.
    text: `
      with locked as (
        select key from repairer.servers
         where grid = $1 and state in ('active', 'leaving') order by server_id for update)
      update repairer.servers as server set reached_at = now(), known_at = now()
        from locked where server.grid = $1 and server.key = locked.key`,
    values: [grid],
  });
}

function recordOf({ server_id, key, leaving, state, ever_reached }: ServerRow): ServerRecord {
  return { serverId: server_id, key, leaving, state, everReached: ever_reached };
}
