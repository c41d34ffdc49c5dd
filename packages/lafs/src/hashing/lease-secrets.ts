import { taggedHash, taggedPairHash } from './tagged-hash.js';

/** Bytes of a Foolscap tub id: the SHA-1 of a server's certificate in DER. */
export const tubIdSize = 20;

/** What a client gives one server with one share, and shows again to renew. */
export interface LeaseSecrets {
  /** Renewal secret, 32 bytes. */
  readonly renew: Uint8Array;
  /** Cancel secret, 32 bytes; stored by servers, though cancelling does not exist. */
  readonly cancel: Uint8Array;
}

function derive(
  purpose: 'renewal' | 'cancel',
  leaseSecret: Uint8Array,
  storageIndex: Uint8Array,
  serverTubId: Uint8Array,
): Uint8Array {
  // Here the secret is the tag and the constant is the value.
  const client = taggedHash(leaseSecret, Buffer.from(`allmydata_client_${purpose}_secret_v1`, 'latin1'));
  const file = taggedPairHash(`allmydata_file_${purpose}_secret_v1`, client, storageIndex);
  return taggedPairHash(`allmydata_bucket_${purpose}_secret_v1`, file, serverTubId);
}

/**
 * The lease secrets for all shares of one file on one server (specifications/lease.rst, "Renewal Secrets",
 * "Cancel Secrets"): client secret, then file secret, then bucket secret.
 *
 * @param leaseSecret the client's own secret, usually 32 bytes
 * @param storageIndex 16 bytes
 * @param serverTubId the server's tub id, 20 raw bytes (the document says base32; the peer hashes the bytes)
 */
export function deriveLeaseSecrets(
  leaseSecret: Uint8Array,
  storageIndex: Uint8Array,
  serverTubId: Uint8Array,
): LeaseSecrets {
  if (serverTubId.length !== tubIdSize) {
    throw new RangeError(`a tub id has ${tubIdSize} bytes, not ${serverTubId.length}`);
  }
  return {
    renew: derive('renewal', leaseSecret, storageIndex, serverTubId),
    cancel: derive('cancel', leaseSecret, storageIndex, serverTubId),
  };
}
