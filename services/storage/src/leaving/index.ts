/** Servers that their operator is taking away. */
export { findServer, type LeavingServer, NoSuchServerError, setLeaving } from './set-leaving.js';
