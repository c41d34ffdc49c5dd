/** The storage server: holds shares for accounts that have a lease on them, over HTTPS. */
export * from './accounts/index.js';
export { type Collection, collect, collectable } from './collection/collect.js';
export type { DueOfAccount } from './collection/due.js';
export { ServerBusyError } from './collection/server-lock.js';
export { nodeConfiguration, type StorageConfiguration } from './configuration.js';
export { type DamagedShare, DamageRecords } from './damage/damage-records.js';
export { initialise, type StorageOptions } from './initialise.js';
export { leaseDefault, setLeaseDefault } from './leases/lease-default.js';
export { run } from './main.js';
export { migrateStorage } from './migrations/index.js';
export { registerServer } from './records/accounts.js';
export { requireRecords } from './recovery/emptied.js';
export { Generation, RecordsNotCurrentError } from './recovery/generation.js';
export { type Recovery, recover } from './recovery/recover.js';
export { type ScrubCounts, ScrubRecords, type ScrubRound } from './scrub/scrub-records.js';
export { DiskShareBackend } from './share-backend/disk-share-backend.js';
export type { ShareBackend } from './share-backend/share-backend.js';
export * from './usage/index.js';
