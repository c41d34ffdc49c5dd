import { formatFurl, formatNurl } from '@holdfast/lafs';
import type { HostPort } from '../configuration/index.js';
import { transportOf } from '../connections/index.js';

/** What the addresses of a storage server are made of. */
export interface StorageAddressParts {
  /** SHA-1 of its certificate, 20 bytes. */
  readonly tubId: Uint8Array;
  /** SHA-256 of its certificate's SubjectPublicKeyInfo, 32 bytes. */
  readonly spkiHash: Uint8Array;
  /** Where clients reach it. */
  readonly locations: readonly HostPort[];
  /** The credential of the account that is to use them. */
  readonly swissnum: string;
}

/** A storage server's addresses, by the names that Tahoe-LAFS 1.20 gives them. */
export interface StorageAddresses {
  readonly 'anonymous-storage-FURL': string;
  readonly 'anonymous-storage-NURLs': string[];
}

/**
 * Writes the addresses by which one account reaches a storage server. The FURL is never dialled by clients of the HTTPS
 * protocol, but they take the server's tub id, and so their lease secrets and write enablers, from it. An onion or I2P
 * host is announced as what it is.
 */
export function storageAddresses(parts: StorageAddressParts): StorageAddresses {
  const { tubId, spkiHash, swissnum } = parts;
  const locations = parts.locations.map((location) => ({
    ...location,
    transport: transportOf({ transport: 'tcp', ...location }),
  }));
  return {
    'anonymous-storage-FURL': formatFurl({
      tubId,
      hints: locations,
      swissnum,
    }),
    'anonymous-storage-NURLs': locations.map((location) => formatNurl({ ...location, spkiHash, swissnum })),
  };
}
