/** What is said on the bus about repairs: by repairers, and by whoever asks them for something. */

export type { RepairAlarm } from './alarm.js';
export { mostFilesAsked } from './asked-files.js';
export {
  type AddRepairs,
  type AddRepairsAnswer,
  type JobStandings,
  type RemoveRepairs,
  type RemoveRepairsAnswer,
  type RepairOutcome,
  type RepairStatus,
  type RepairSubjects,
  type RetryRepairs,
  repairSubjects,
} from './subjects.js';
export {
  type AddWatched,
  type AddWatchedAnswer,
  type WatchStatus,
  type WatchSubjects,
  watchStatus,
  watchSubjects,
} from './watch-subjects.js';
