/** The client side of a grid: connections to storage servers, placement, upload, download, check and repair. */
export type {
  CheckedFile,
  CheckResults,
  CorruptShare,
  FailedServer,
  ShareLocation,
  StorageIndexOnly,
} from './check/check-results.js';
export type { Coding } from './coding/coding.js';
export { CodingThread } from './coding/coding-thread.js';
export { localCoding } from './coding/local-coding.js';
export { GatheredQuestions, type QuestionPort } from './connections/gathered-questions.js';
export { type KnownServer, operatorSource } from './connections/known-server.js';
export type { ServerStatus } from './connections/server-connection.js';
export {
  ServerSet,
  type ServerSetOptions,
  type ServerSetStatus,
  type UploadServers,
} from './connections/server-set.js';
export type { StorageServer } from './connections/storage-server.js';
export type { OpenFile } from './download/open-file.js';
export {
  NoServersError,
  NotEnoughMemoryError,
  NotEnoughServersError,
  NotEnoughSharesError,
  NotReadableError,
  NotRecoverableError,
  StorageServerError,
  WrongCapabilityError,
  WrongFileError,
} from './errors.js';
export {
  type CheckRequest,
  FileCare,
  type FileCareOptions,
  type GridServers,
  type RepairRequest,
} from './file-care.js';
export { Grid, type GridOptions, type UploadRequest } from './grid.js';
export { TransferMemory } from './memory/transfer-memory.js';
export { type Candidate, type Placement, placeShares, serversOfHappiness } from './placement/index.js';
export type { Pace } from './repair/pace.js';
export type { PlacedShare, RepairResults } from './repair/repair-results.js';
export type { EncodingParameters } from './upload/upload-file.js';
export { leastMemoryFor } from './upload/upload-memory.js';
