import { formatFurl, formatNurl } from '@holdfast/lafs';
import type { HostPort } from '../configuration/index.js';

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
 * protocol, but they take the server's tub id, and so their lease secrets and write enablers, from it.
 */
export function storageAddresses(parts: StorageAddressParts): StorageAddresses {
  const { tubId, spkiHash, locations, swissnum } = parts;
  return {
    'anonymous-storage-FURL': formatFurl({
      tubId,
      hints: locations.map((location) => ({ transport: 'tcp', ...location })),
      swissnum,
    }),
    'anonymous-storage-NURLs': locations.map(({ host, port }) =>
      formatNurl({ spkiHash, host, port, swissnum }),
    ),
  };
}
