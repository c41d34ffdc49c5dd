/** Making durable what was changed on the disk. */
export { syncFolder } from './sync-folder.js';
