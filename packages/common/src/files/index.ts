/** What is on the disk, and making durable what was changed there. */
export { exists } from './exists.js';
export { syncFolder } from './sync-folder.js';
