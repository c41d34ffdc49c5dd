import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bus } from '@holdfast/common/bus';
import { readYamlConfiguration, urlWithPassword } from '@holdfast/common/configuration';
import { type Database, openPool } from '@holdfast/common/database';
import { readOwnBus } from '@holdfast/common/introducers';
import { silentLogger } from '@holdfast/common/logging';
import { roleOfNode } from './role.js';

/** The folder is not that of a repairer. */
export class NotRepairerError extends Error {
  override readonly name = 'NotRepairerError';
  readonly code = 'not-repairer';

  constructor(
    readonly dir: string,
    readonly found: string,
  ) {
    super(`${dir} is ${found}: expected the folder of a repairer, or of a lab with one`);
  }
}

/** The queue that a repairer takes its jobs from, for a command of its operator. */
export interface RepairerNode {
  readonly database: Database;
  readonly grid: string;
  readonly nickname: string;
  /** When it begins no job, by the clock of this machine. */
  readonly quietHours: readonly { readonly from: number; readonly to: number }[];
  /** Wakes repairers that run for so many jobs; those that are not told look by themselves within seconds. */
  wake(jobs: number): Promise<void>;
}

const patience = 2_000;

/**
 * Does something with the queue of a repairer, whether any runs or not. The database's schema is brought forward first.
 *
 * @param dir the folder of a repairer, or of a lab: then that of its first repairer
 * @throws ConfigurationError, NotRepairerError, SchemaTooNewError, or Postgres' own error
 */
export async function withRepairerNode<T>(dir: string, work: (node: RepairerNode) => Promise<T>): Promise<T> {
  const { migrateRepairer, nodeConfiguration, sayWake } = await import('@holdfast/repairer');
  const folder = await repairerFolder(dir);
  const configuration = await readYamlConfiguration(join(folder, 'node.yaml'), nodeConfiguration);
  const { grid, nickname, quiet_hours: quietHours } = configuration;
  const logger = silentLogger();
  const database = openPool({
    url: await urlWithPassword(folder, 'postgres', configuration.postgres),
    applicationName: 'holdfast queue',
    logger,
    connections: 2,
  });
  const wake = async (jobs: number) => {
    if (jobs === 0) return;
    const { readConnections } = await import('@holdfast/membership');
    const { connection_types: forAll } = await readConnections(folder, configuration);
    const bus = new Bus({
      ...(await readOwnBus(folder, configuration, forAll)),
      name: 'holdfast queue',
      logger,
      connectTimeout: patience,
    });
    try {
      if (await isConnected(bus)) sayWake(bus, grid, jobs);
    } finally {
      await bus.close();
    }
  };
  try {
    await migrateRepairer(database, logger);
    return await work({ database, grid, nickname, quietHours, wake });
  } finally {
    await database.close();
  }
}

function isConnected(bus: Bus): Promise<boolean> {
  return new Promise((resolve) => {
    const givingUp = setTimeout(() => resolve(false), patience);
    bus.onConnect(() => {
      clearTimeout(givingUp);
      resolve(true);
    });
  });
}

async function repairerFolder(dir: string): Promise<string> {
  const plan = join(dir, 'plan.json');
  const isLab = await access(plan).then(
    () => true,
    () => false,
  );
  if (isLab) {
    const { nodes } = JSON.parse(await readFile(plan, 'utf8')) as {
      nodes: { role: string; nickname: string }[];
    };
    const first = nodes.find(({ role }) => role === 'repairer');
    if (!first) throw new NotRepairerError(dir, 'a lab without repairers');
    return join(dir, first.nickname);
  }
  const role = await roleOfNode(dir);
  if (role !== 'repairer')
    throw new NotRepairerError(dir, `the folder of ${role === 'introducer' ? 'an' : 'a'} ${role}`);
  return dir;
}
