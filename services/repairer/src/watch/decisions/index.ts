/** What the watch decides by: pure, so that the service and the simulation of it decide alike. */
export { jobsToAdmit } from './admission.js';
export { type FileHealth, spareShares } from './file-health.js';
export {
  fewestServers,
  type NetworkEvidence,
  type NetworkSuspicion,
  type SuspicionReason,
  suspectNetwork,
  unsuspected,
} from './network-suspicion.js';
export { canWaitForServers } from './patience.js';
export { recheckInterval, timeToNextCheck, timeToSpreadCheck } from './recheck-schedule.js';
export { isRepairWorthwhile, type RepairThreshold, usualThreshold } from './repair-threshold.js';
export { absenceAfter, isLasting, type ServerState, serverState } from './server-state.js';
