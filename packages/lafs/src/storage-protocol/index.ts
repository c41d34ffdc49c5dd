/** The storage protocol ("Great Black Swamp"), for both of its sides: routes, messages, headers. */
export { formatAuthorization, parseAuthorization } from './authorization.js';
export { ByteRangeSet } from './byte-range-set.js';
export { cborMediaType, decodeCbor, encodeCbor, maximumMessageSize } from './cbor.js';
export { maximumCborDepth, maximumCborItems } from './cbor-nesting.js';
export {
  MalformedCborError,
  MalformedHeaderError,
  MessageTooLargeError,
  UnexpectedMessageError,
} from './errors.js';
export {
  decodeFindAnswer,
  decodeFindRequest,
  encodeFindAnswer,
  encodeFindRequest,
  type FileAnswer,
  type FileQuestion,
  findManyExtension,
  longestFindAnswer,
  maximumFindRequestSize,
  mostFilesAsked,
} from './find-many.js';
export { isCbor, prefersCbor } from './media-types.js';
export { maximumShareNumber, maximumShareNumbers } from './message-fields.js';
export {
  type AllocateAnswer,
  type AllocateRequest,
  decodeAllocateAnswer,
  decodeAllocateRequest,
  decodeCorruptionReport,
  decodeServerVersion,
  decodeShareNumbers,
  decodeWriteAnswer,
  encodeAllocateAnswer,
  encodeAllocateRequest,
  encodeCorruptionReport,
  encodeServerVersion,
  encodeShareNumbers,
  encodeWriteAnswer,
  maximumCorruptionReportSize,
  type ServerVersion,
} from './messages.js';
export {
  decodeReadTestWriteAnswer,
  decodeReadTestWriteRequest,
  encodeReadTestWriteAnswer,
  encodeReadTestWriteRequest,
  maximumTestVectors,
  type ReadTestWriteAnswer,
  type ReadTestWriteRequest,
  type ReadVector,
  type ShareChange,
  type TestVector,
  type WriteVector,
} from './mutable-messages.js';
export {
  type ByteRange,
  type ContentRange,
  formatContentRange,
  formatRange,
  parseContentRange,
  parseRange,
} from './ranges.js';
export {
  isRefusalReason,
  type RefusalReason,
  refusalReasonHeader,
  refusalReasons,
} from './refusal-reasons.js';
export {
  type BucketAddress,
  matchRoute,
  type NoRoute,
  type Route,
  type RouteMatch,
  type RouteName,
  type ShareAddress,
  storageRoutes,
} from './routes.js';
export {
  formatSecrets,
  leaseSecretSize,
  parseSecrets,
  type SecretKind,
  secretsHeader,
} from './secrets.js';
export { leavingState, serverStateHeader } from './server-state.js';
export {
  decodeSharesAnswer,
  decodeStoreAnswer,
  decodeStoreRequest,
  encodeSharesAnswer,
  encodeStoreAnswer,
  encodeStoreRequest,
  extensionsHeader,
  largestWholeShare,
  mostWholeShareBytes,
  type SharesAnswer,
  type StoreAnswer,
  type WholeShares,
  wholeSharesExtension,
} from './whole-shares.js';
