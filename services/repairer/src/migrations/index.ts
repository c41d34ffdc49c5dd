import { type Database, type Migration, migrate } from '@holdfast/common/database';
import type { Logger } from '@holdfast/common/logging';
import { jobs } from './01-jobs.js';
import { watch } from './02-watch.js';
import { spoolFiles } from './03-spool-files.js';
import { termsOfJobs } from './04-terms-of-jobs.js';
import { spoolClaims } from './05-spool-claims.js';
import { indexesByState } from './06-indexes-by-state.js';

/** The schema `repairer`, step by step. All repairers of a grid share it. */
export const migrations: readonly Migration[] = [
  jobs,
  watch,
  spoolFiles,
  termsOfJobs,
  spoolClaims,
  indexesByState,
];

/**
 * Brings the schema `repairer` of a database to what this release knows.
 *
 * @throws SchemaTooNewError
 */
export async function migrateRepairer(
  database: Database,
  logger: Logger,
  signal?: AbortSignal,
): Promise<void> {
  await migrate(database, { schema: 'repairer', migrations, logger, signal });
}
