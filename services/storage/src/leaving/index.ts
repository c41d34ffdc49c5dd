/** Servers that their operator is taking away. */
export { type DrainProgress, DrainRecords, type DrainStatus } from './drain-records.js';
export { findServer, type LeavingServer, NoSuchServerError, setLeaving } from './set-leaving.js';
