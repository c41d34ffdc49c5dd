import type { NetworkSuspicion, SuspicionReason } from '../decisions/index.js';
import type { Queryable } from './queryable.js';

/** What the scheduler last thought of the network. */
export interface NetworkRecord {
  readonly network: NetworkSuspicion;
  /** Since when it is suspected. */
  readonly since: Date | undefined;
  /** Milliseconds since a scheduler last looked. */
  readonly lookedAgo: number;
  /** The nickname of the repairer that schedules, or last did. */
  readonly scheduler: string | undefined;
}

/** Minutes for which the outcome of a check counts as evidence. */
const evidenceFor = 20;

/** Undefined where nobody ever looked. */
export async function readNetwork(database: Queryable, grid: string): Promise<NetworkRecord | undefined> {
  const { rows } = await database.query<{
    suspected: boolean;
    reason: SuspicionReason | null;
    since: Date | null;
    quiet: number;
    looked_ago: number;
    scheduler: string | null;
  }>({
    name: 'read-network',
    text: `select suspected, reason, since, quiet, scheduler,
                  (extract(epoch from now() - looked_at) * 1000)::bigint as looked_ago
             from repairer.network where grid = $1`,
    values: [grid],
  });
  const [row] = rows;
  if (!row) return undefined;
  const { suspected, reason, since, quiet, looked_ago, scheduler } = row;
  return {
    network: { suspected, reason: reason ?? undefined, quiet },
    since: since ?? undefined,
    lookedAgo: looked_ago,
    scheduler: scheduler ?? undefined,
  };
}

/** Writes down what the scheduler thinks, and that it has looked now. */
export async function writeNetwork(
  database: Queryable,
  grid: string,
  { suspected, reason, quiet }: NetworkSuspicion,
  scheduler: string,
): Promise<void> {
  await database.query({
    name: 'write-network',
    text: `
      insert into repairer.network as network (grid, suspected, reason, since, quiet, scheduler)
      values ($1, $2, $3, case when $2 then now() end, $4, $5)
      on conflict (grid) do update set
        looked_at = now(), suspected = $2, reason = $3, quiet = $4, scheduler = $5,
        since = case when $2 then coalesce(network.since, now()) end`,
    values: [grid, suspected, reason ?? null, Math.round(quiet), scheduler],
  });
}

/** Adds checks that ended to those of the present minute. */
export async function countChecks(
  database: Queryable,
  grid: string,
  { checks, failed }: { readonly checks: number; readonly failed: number },
): Promise<void> {
  await database.query({
    name: 'count-checks',
    text: `
      insert into repairer.check_counts as counted (grid, minute, checks, failed)
      values ($1, date_trunc('minute', now()), $2, $3)
      on conflict (grid, minute) do update set
        checks = counted.checks + excluded.checks, failed = counted.failed + excluded.failed`,
    values: [grid, checks, failed],
  });
}

/** The checks that ended lately. Forgets those of an hour ago. */
export async function recentChecks(
  database: Queryable,
  grid: string,
): Promise<{ checks: number; failedChecks: number }> {
  await database.query({
    name: 'forget-check-counts',
    text: `delete from repairer.check_counts where grid = $1 and minute < now() - interval '1 hour'`,
    values: [grid],
  });
  const { rows } = await database.query<{ checks: number; failed: number }>({
    name: 'recent-checks',
    text: `select coalesce(sum(checks), 0)::integer as checks, coalesce(sum(failed), 0)::integer as failed
             from repairer.check_counts where grid = $1 and minute > now() - $2 * interval '1 minute'`,
    values: [grid, evidenceFor],
  });
  return { checks: rows[0]?.checks ?? 0, failedChecks: rows[0]?.failed ?? 0 };
}
