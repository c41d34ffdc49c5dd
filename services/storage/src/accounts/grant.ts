import { storageAddresses } from '@holdfast/common/announcements';
import type { GridManagerCertificate } from '@holdfast/common/grid-management';
import { deriveCredential } from './account-secret.js';
import type { KnownServer } from './server-description.js';

/** A storage server as one account reaches it, by the names that Tahoe-LAFS 1.20 gives the fields. */
export interface GrantedServer {
  readonly serverId: string;
  readonly body: {
    readonly nickname: string;
    readonly 'anonymous-storage-FURL': string;
    readonly 'anonymous-storage-NURLs': string[];
    readonly 'permutation-seed-base32': string;
    readonly 'grid-manager-certificates'?: GridManagerCertificate[];
  };
}

/**
 * What a customer is given: each server with the credential by which it knows the account. A server that has not said
 * yet where it is, or that has no location, cannot be among them.
 */
export function grantServers(
  accountSecret: Uint8Array,
  servers: readonly KnownServer[],
): { readonly granted: readonly GrantedServer[]; readonly leftOut: readonly string[] } {
  const granted: GrantedServer[] = [];
  const leftOut: string[] = [];
  for (const { serverId, description } of servers) {
    if (!description || description.locations.length === 0) {
      leftOut.push(description ? description.nickname : serverId);
      continue;
    }
    const { nickname, locations, tub_id, spki_hash, permutation_seed, certificates } = description;
    const swissnum = deriveCredential(accountSecret, serverId);
    granted.push({
      serverId,
      body: {
        nickname,
        ...storageAddresses({ tubId: tub_id, spkiHash: spki_hash, locations, swissnum }),
        'permutation-seed-base32': permutation_seed,
        ...(certificates.length > 0 ? { 'grid-manager-certificates': certificates } : {}),
      },
    });
  }
  return { granted, leftOut };
}
