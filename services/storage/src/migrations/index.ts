import { type Database, type Migration, migrate } from '@holdfast/common/database';
import type { Logger } from '@holdfast/common/logging';
import { serversAccountsSharesLeases } from './01-servers-accounts-shares-leases.js';
import { customersUsageMutableSlots } from './02-customers-usage-mutable-slots.js';
import { leaseDefault } from './03-lease-default.js';
import { leavingServersRepairerAccounts } from './04-leaving-servers-repairer-accounts.js';
import { drains } from './05-drains.js';
import { comingShares } from './06-coming-shares.js';
import { oneReportOfEachAccount } from './07-one-report-of-each-account.js';
import { whenAccountsChanged } from './08-when-accounts-changed.js';

/*
 * The schema `storage`, one for all storage servers of a database. Rows of shares and leases carry the short key of
 * their server. Leases have no foreign key to shares: both are written and deleted in the same statements, by one
 * process per server.
 */

/** The schema `storage`, step by step. */
export const migrations: readonly Migration[] = [
  serversAccountsSharesLeases,
  customersUsageMutableSlots,
  leaseDefault,
  leavingServersRepairerAccounts,
  drains,
  comingShares,
  oneReportOfEachAccount,
  whenAccountsChanged,
];

/**
 * Brings the schema `storage` of a database to what this release knows.
 *
 * @throws SchemaTooNewError
 */
export async function migrateStorage(
  database: Database,
  logger: Logger,
  signal?: AbortSignal,
): Promise<void> {
  await migrate(database, { schema: 'storage', migrations, logger, signal });
}
