import { base32Encode, formatFurl, formatNurl } from '@holdfast/lafs';
import type { HostPort } from '../configuration/index.js';
import type { Identity } from '../identity/index.js';
import type { AnnouncementBody } from './body.js';

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
}

/**
 * The announcement of a storage server. The FURL is never dialled by clients of the HTTPS protocol, but they take
 * the server's tub id, and so their lease secrets and write enablers, from it.
 */
export function buildStorageAnnouncement(fields: StorageAnnouncementFields): AnnouncementBody {
  const { identity, locations, swissnum, version } = fields;
  const { tubId, spkiHash } = identity.tls;
  return {
    'service-name': 'storage',
    version: 0,
    nickname: fields.nickname,
    seqnum: fields.seqnum,
    'anonymous-storage-FURL': formatFurl({
      tubId,
      hints: locations.map((location) => ({ transport: 'tcp', ...location })),
      swissnum,
    }),
    'anonymous-storage-NURLs': locations.map(({ host, port }) =>
      formatNurl({ spkiHash, host, port, swissnum }),
    ),
    'permutation-seed-base32': base32Encode(
      Buffer.from(identity.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)),
    ),
    'my-version': `holdfast/${version}`,
    'oldest-supported': `holdfast/${version}`,
    'app-versions': {},
  };
}
