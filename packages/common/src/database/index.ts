/** A pool of Postgres connections, and schemas that are brought forward in numbered steps. */
export { type Database, type DatabaseOptions, openDatabase, openPool } from './database.js';
export { type Migration, migrate, SchemaTooNewError } from './migrations.js';
