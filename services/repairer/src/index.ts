/** Takes repair jobs, checks files and makes them whole again. */

export { nodeConfiguration, type RepairerConfiguration } from './configuration.js';
export { initialise } from './initialise.js';
export { run } from './main.js';
export { migrateRepairer } from './migrations/index.js';
export { type AddResult, type AddTerms, addJobs, type JobRequest, mostAdded } from './queue/add-jobs.js';
export type { AttemptResult, JobOutcome, JobState } from './queue/job.js';
export { type ListedJob, listJobs, type PastAttempt } from './queue/list-jobs.js';
export { type QueueStatus, queueStatus, type RecentAttempt } from './queue/queue-status.js';
export {
  contradiction,
  formatRepairFile,
  NotRepairableError,
  parseRepairFile,
  type RefusalCode,
  type RepairFile,
} from './queue/repair-file.js';
export { retryJobs } from './queue/retry-jobs.js';
export { pausedNow } from './restraint/pause.js';
export { QuietHoursPause } from './restraint/quiet-hours.js';
export { addWatched } from './watch/add-watched.js';
export * from './watch/decisions/index.js';
export { mostWatchedAtOnce, nobody, unwatchFiles } from './watch/records/watched-files.js';
export { watchStatus } from './watch/watch-status.js';
export { addFiles } from './ways-in/add-files.js';
export { removeFiles } from './ways-in/remove-files.js';
export { shownPause } from './ways-in/shown-pause.js';
export { sayWake } from './worker/wake-ups.js';
