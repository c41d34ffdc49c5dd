import { join } from 'node:path';
import type { GuardedProcess } from '../processes/guarded-process.js';
import { dropDatabase, ensureDatabase } from '../servers/databases.js';
import { type BusGuard, startGuardedNats } from '../servers/guarded-nats.js';
import { startNats } from '../servers/nats.js';
import { startPostgres } from '../servers/postgres.js';
import { LabError } from './errors.js';
import type { LabPlan } from './plan.js';

/** Where a lab's database server or bus is, and its process where it is the lab's own. */
export interface Backing {
  readonly url: string;
  readonly port?: number;
  readonly process?: GuardedProcess;
  /** Of a guarded bus: who may use it. `url` is then that of its operator. */
  readonly guard?: BusGuard;
}

/** Starts the lab's own Postgres or NATS, or finds the one that it was given. */
export async function startBacking(name: 'postgres' | 'nats', dir: string, plan: LabPlan): Promise<Backing> {
  const port = plan[name];
  if (port === 'given') return { url: givenServer(dir, name === 'postgres' ? 'DATABASE_URL' : 'NATS_URL') };
  const folder = join(dir, name);
  if (name === 'postgres') return startPostgres({ dir: folder, port });
  if (!plan.guarded) return startNats({ dir: folder, port });
  return startGuardedNats(folder, { grid: plan.grid, port });
}

function givenServer(dir: string, variable: 'DATABASE_URL' | 'NATS_URL'): string {
  const url = process.env[variable];
  if (url) return url;
  throw new LabError('server-needed', `the lab in ${dir} was made with the server at ${variable}: set it`);
}

/** Makes the nodes' databases, where they are not there yet. */
export async function ensureDatabases(server: string, plan: LabPlan): Promise<void> {
  for (const database of databasesOf(plan)) await ensureDatabase(server, database);
}

/** Drops the nodes' databases. */
export async function dropDatabases(server: string, plan: LabPlan): Promise<void> {
  for (const database of databasesOf(plan)) await dropDatabase(server, database);
}

function databasesOf({ nodes }: LabPlan): Set<string> {
  return new Set(nodes.map(({ database }) => database));
}
