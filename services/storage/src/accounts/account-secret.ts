import { hkdfSync, randomBytes } from 'node:crypto';
import { base32Encode } from '@holdfast/lafs';

/** Bytes of an account's secret. */
export const accountSecretSize = 32;

/** Bytes of a credential, as many as the swissnum of a Tahoe-LAFS server has. */
const credentialSize = 20;

/** The secret that is a new account. */
export function newAccountSecret(): Buffer {
  return randomBytes(accountSecretSize);
}

/**
 * The credential by which one server knows an account: the swissnum in that server's NURL, 32 characters of base32.
 * It is HKDF-SHA256 (RFC 5869) of the account's secret with the server's id in `info`. So one secret serves every
 * server there will ever be, while what one server sees tells nothing of the secret, nor of what another sees.
 */
export function deriveCredential(accountSecret: Uint8Array, serverId: string): string {
  const info = `holdfast storage credential v1 ${serverId}`;
  return base32Encode(new Uint8Array(hkdfSync('sha256', accountSecret, '', info, credentialSize)));
}
