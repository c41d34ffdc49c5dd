/** A whole grid of real processes on one machine, and the servers and conveniences that tests start from. */
export { endLab, labStatus, startInLab, stopInLab } from './control/remote.js';
export type { LabStatus, ProcessStatus } from './control/status.js';
export { type TemporaryFolder, temporaryFolder } from './files/temporary-folder.js';
export { connectedServers, waitForServers } from './grid/broker-state.js';
export { LabError, type LabErrorCode } from './grid/errors.js';
export { Lab, type LabOptions } from './grid/lab.js';
export { type DescribedNode, type LabDescription, readLabJson } from './grid/lab-json.js';
export { isLab, type LabSize, type Shares } from './grid/plan.js';
export { holdfastProgram } from './grid/program.js';
export { EarlyExitError, type Exit, type GuardedProcess, startGuarded } from './processes/guarded-process.js';
export { withQuickCopies } from './processes/quick-copies.js';
export { DeadlineError, untilReady, waitFor } from './processes/until-ready.js';
export { createDatabase, type Database, databaseUrl, dropDatabase } from './servers/databases.js';
export { freePort } from './servers/free-port.js';
export {
  type BusGuard,
  type BusUser,
  busUsers,
  type RunningGuardedNats,
  startGuardedNats,
} from './servers/guarded-nats.js';
export { type NatsOptions, type RunningNats, startNats } from './servers/nats.js';
export { type PostgresOptions, type RunningPostgres, startPostgres } from './servers/postgres.js';
export { ProgramMissingError } from './servers/program-missing.js';
export {
  type SocksBehaviour,
  type SocksProxy,
  type SocksProxyOptions,
  type SocksRequest,
  startSocksProxy,
} from './servers/socks-proxy.js';
export { blockedStatement } from './testing/blocked-statement.js';
export {
  destinations,
  endTraced,
  makeNetworkNamespace,
  type NetworkNamespace,
  whyNoNetworkNamespace,
} from './testing/network-namespace.js';
export { createTestBus, createTestDatabase, testPostgresUrl } from './testing/test-database.js';
