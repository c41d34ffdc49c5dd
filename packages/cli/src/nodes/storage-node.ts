import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readYamlConfiguration, urlWithPassword } from '@holdfast/common/configuration';
import { type Database, openPool } from '@holdfast/common/database';
import { exists } from '@holdfast/common/files';
import { type Identity, loadIdentity } from '@holdfast/common/identity';
import { silentLogger } from '@holdfast/common/logging';
import type { StorageConfiguration } from '@holdfast/storage';
import { roleOfNode } from './role.js';

/** The folder is not that of a storage server. */
export class NotStorageError extends Error {
  override readonly name = 'NotStorageError';
  readonly code = 'not-storage';

  constructor(
    readonly dir: string,
    readonly found: string,
  ) {
    super(`${dir} is ${found}: expected the folder of a storage server, or of a lab`);
  }
}

/** A storage server's folder and its database, for a command of its operator. */
export interface StorageNode {
  /** The folder itself, also where that of a lab was given. */
  readonly dir: string;
  readonly configuration: StorageConfiguration;
  readonly identity: Identity;
  readonly database: Database;
  /** The server's key in the database. */
  readonly server: number;
}

/** How a command uses a database. */
export interface StorageNodeUse {
  /** Whether it makes the tables anew in a database that lost them. */
  readonly evenEmptied?: boolean;
}

/**
 * Does something with a storage server's folder and database, whether the server runs or not. The database's schema is
 * brought forward first, so that a command works also before the first start.
 *
 * @param dir the folder of a storage server, or of a lab: then that of its first storage server
 * @param name what Postgres shows this command as
 * @throws ConfigurationError, NotStorageError, SchemaTooNewError, or Postgres' own error; RecordsNotCurrentError where
 *   the database was emptied since the server ran: an empty list of accounts would look as if there were none
 */
export async function withStorageNode<T>(
  dir: string,
  name: string,
  work: (node: StorageNode) => Promise<T>,
  { evenEmptied = false }: StorageNodeUse = {},
): Promise<T> {
  const { migrateStorage, nodeConfiguration, registerServer, requireRecords } = await import(
    '@holdfast/storage'
  );
  const folder = await storageFolder(dir);
  const configuration = await readYamlConfiguration(join(folder, 'node.yaml'), nodeConfiguration);
  const identity = await loadIdentity(folder);
  const logger = silentLogger();
  const database = openPool({
    url: await urlWithPassword(folder, 'postgres', configuration.postgres),
    applicationName: name,
    logger,
    connections: 6,
  });
  try {
    if (!evenEmptied) {
      await requireRecords(database, resolve(folder, configuration.shares.path), identity.serverId);
    }
    await migrateStorage(database, logger);
    const server = await registerServer(database, identity.serverId);
    return await work({ dir: folder, configuration, identity, database, server });
  } finally {
    await database.close();
  }
}

/**
 * The folder of a storage server: `dir` itself, or that of the first storage server of a lab.
 *
 * @throws ConfigurationError, NotStorageError
 */
export async function storageFolder(dir: string): Promise<string> {
  const folder = (await exists(join(dir, 'plan.json'))) ? join(dir, await firstStorage(dir)) : dir;
  const role = await roleOfNode(folder);
  if (role !== 'storage')
    throw new NotStorageError(dir, `the folder of ${role === 'introducer' ? 'an' : 'a'} ${role}`);
  return folder;
}

async function firstStorage(lab: string): Promise<string> {
  const { nodes } = JSON.parse(await readFile(join(lab, 'plan.json'), 'utf8')) as {
    nodes: { role: string; nickname: string }[];
  };
  const first = nodes.find(({ role }) => role === 'storage');
  if (!first) throw new NotStorageError(lab, 'a lab without storage servers');
  return first.nickname;
}
