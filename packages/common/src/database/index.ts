/** A pool of Postgres connections, and schemas that are brought forward in numbered steps. */
export { type Database, type DatabaseOptions, openDatabase, openPool } from './database.js';
export { GroupCommit } from './group-commit.js';
export { type Migration, migrate, SchemaTooNewError } from './migrations.js';
export { type PatientQuery, patientQuery } from './patient-query.js';
export { isRefused, isTransient } from './statement-errors.js';
