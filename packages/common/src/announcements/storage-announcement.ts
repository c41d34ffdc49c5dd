import { base32Encode } from '@holdfast/lafs';
import type { HostPort } from '../configuration/index.js';
import type { GridManagerCertificate } from '../grid-management/index.js';
import type { Identity } from '../identity/index.js';
import type { AnnouncementBody } from './body.js';
import { storageAddresses } from './storage-addresses.js';

/** What a storage server tells of itself. */
export interface StorageAnnouncementFields {
  readonly identity: Identity;
  readonly nickname: string;
  readonly seqnum: number;
  /** Where clients reach it; just what the operator configured. */
  readonly locations: readonly HostPort[];
  /** The anonymous account's credential. */
  readonly swissnum: string;
  readonly version: string;
  /** Of grid managers that vouch for it. */
  readonly certificates?: readonly GridManagerCertificate[];
  /** Whether its operator is taking it away. */
  readonly leaving?: boolean;
}

/** The announcement of a storage server. */
export function buildStorageAnnouncement(fields: StorageAnnouncementFields): AnnouncementBody {
  const { identity, locations, swissnum, version, certificates = [], leaving = false } = fields;
  const { tubId, spkiHash } = identity.tls;
  return {
    'service-name': 'storage',
    version: 0,
    nickname: fields.nickname,
    seqnum: fields.seqnum,
    ...storageAddresses({ tubId, spkiHash, locations, swissnum }),
    'permutation-seed-base32': permutationSeed(identity),
    'my-version': `holdfast/${version}`,
    'oldest-supported': `holdfast/${version}`,
    'app-versions': {},
    ...(certificates.length > 0 ? { 'grid-manager-certificates': [...certificates] } : {}),
    ...(leaving ? { leaving } : {}),
  };
}

/** What clients order a server by when they place and find shares: its public signing key in base32. */
export function permutationSeed({ publicKey }: Identity): string {
  return base32Encode(Buffer.from(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)));
}
