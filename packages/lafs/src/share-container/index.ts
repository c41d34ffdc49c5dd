/** The files that a storage server keeps its shares in, byte for byte as Tahoe-LAFS has them. */
export {
  type AnyContainerLayout,
  longestContainerHeader,
  parseAnyContainerHeader,
} from './any-container.js';
export {
  type ContainerLayout,
  containerHeaderSize,
  containerSize,
  encodeContainerHeader,
  parseContainerHeader,
} from './container.js';
export { type ContainerVersion, newestContainerVersion } from './container-version.js';
export { MalformedContainerError } from './errors.js';
export {
  encodeLeaseRecord,
  type LeaseRecord,
  leaseRecordSize,
  matchesLeaseSecret,
  parseLeaseRecords,
  storedLeaseSecret,
} from './lease-record.js';
export {
  encodeMutableContainer,
  isMutableContainer,
  type MutableContainerLayout,
  mutableContainerSize,
  mutableHeaderSize,
  parseExtraLeases,
  parseMutableHeader,
  writeEnablerSize,
} from './mutable-container.js';
export {
  encodeMutableLeaseRecord,
  type MutableLeaseRecord,
  mutableLeaseRecordSize,
  nodeIdSize,
  parseMutableLeaseRecords,
} from './mutable-lease-record.js';
export { bucketFolder, incomingFolder, parseBucketName, parseShareName, sharePath } from './share-path.js';
