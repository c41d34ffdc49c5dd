import { randomBytes } from 'node:crypto';
import { type Database, openPool } from '@holdfast/common/database';
import { silentLogger } from '@holdfast/common/logging';
import { createTestDatabase } from '@holdfast/lab';
import type { ChkVerifyCapability } from '@holdfast/lafs';
import { migrateRepairer } from '../migrations/index.js';
import type { StorageIndexOnly } from '../queue/repair-file.js';

/** A database with the repairers' schema. */
export interface TestQueue extends AsyncDisposable {
  readonly url: string;
  readonly database: Database;
  /** As a worker has it. */
  readonly claims: Database;
  /** Rows of a query. */
  sql<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
}

export async function testQueue(connections = 8): Promise<TestQueue> {
  const { url, ...temporary } = await createTestDatabase();
  const logger = silentLogger();
  const access = { url, applicationName: 'holdfast test', logger, connections };
  const database = openPool(access);
  const claims = openPool({ ...access, planning: 'by-keys' });
  await migrateRepairer(database, logger);
  return {
    url,
    database,
    claims,
    sql: async <Row extends object>(text: string, values: unknown[] = []) =>
      (await database.pool.query<Row>(text, values)).rows,
    [Symbol.asyncDispose]: async () => {
      await claims.close();
      await database.close();
      await temporary[Symbol.asyncDispose]();
    },
  };
}

/** The verify capability of a file that nobody has. */
export function someVerifyCapability(): ChkVerifyCapability {
  return {
    kind: 'CHK-Verifier',
    storageIndex: randomBytes(16),
    uriExtensionHash: randomBytes(32),
    required: 3,
    total: 10,
    size: 10_000,
  };
}

/** Another verify capability with the storage index of a file. */
export function contradicting(file: ChkVerifyCapability): ChkVerifyCapability {
  return { ...file, uriExtensionHash: randomBytes(32) };
}

/** Only the storage index of a file. */
export function onlyStorageIndex({ storageIndex }: ChkVerifyCapability): StorageIndexOnly {
  return { kind: 'storage-index', storageIndex };
}
