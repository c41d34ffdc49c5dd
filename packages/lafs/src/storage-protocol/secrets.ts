import { MalformedHeaderError } from './errors.js';

/** The kinds of secrets that go with a request (http-storage-node-protocol.rst, "HTTP Design"). */
export type SecretKind = 'lease-renew-secret' | 'lease-cancel-secret' | 'upload-secret' | 'write-enabler';

/** The header that carries them: repeated, one secret in each. */
export const secretsHeader = 'X-Tahoe-Authorization';

/** Size of lease renewal and cancel secrets, and of write enablers, in bytes. */
export const leaseSecretSize = 32;

const kinds: ReadonlySet<string> = new Set<SecretKind>([
  'lease-renew-secret',
  'lease-cancel-secret',
  'upload-secret',
  'write-enabler',
]);

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$/;

/** The values of the header for some secrets. Send each as a header of its own: joined by commas they are refused. */
export function formatSecrets(secrets: Partial<Record<SecretKind, Uint8Array>>): string[] {
  return Object.entries(secrets).map(([kind, secret]) => `${kind} ${Buffer.from(secret).toString('base64')}`);
}

/**
 * Reads the values of the header.
 *
 * @param required the secrets that must be there; others may not be
 * @throws MalformedHeaderError for a secret that is missing, unknown, doubled, not base64, or one of
 *   a fixed size that has another. No part of a secret is in the error.
 */
export function parseSecrets<Kind extends SecretKind>(
  values: readonly string[],
  required: readonly Kind[],
): Record<Kind, Uint8Array> {
  const secrets: Partial<Record<SecretKind, Uint8Array>> = {};
  for (const value of values) {
    const [kind = '', text = '', ...rest] = value.trim().split(' ');
    if (!kinds.has(kind) || rest.length > 0 || !base64.test(text)) {
      throw new MalformedHeaderError(secretsHeader, 'each header as KIND BASE64, of a known kind');
    }
    const secret = Buffer.from(text, 'base64');
    if (kind !== 'upload-secret' && secret.length !== leaseSecretSize) {
      throw new MalformedHeaderError(secretsHeader, `${kind} of ${leaseSecretSize} bytes`);
    }
    if (Object.hasOwn(secrets, kind)) throw new MalformedHeaderError(secretsHeader, `${kind} once`);
    secrets[kind as SecretKind] = secret;
  }
  const found = Object.keys(secrets);
  if (found.length !== required.length || required.some((kind) => !secrets[kind])) {
    throw new MalformedHeaderError(
      secretsHeader,
      `${required.length === 0 ? 'no secrets' : required.join(', ')}; found ${found.join(', ') || 'none'}`,
    );
  }
  return secrets as Record<Kind, Uint8Array>;
}
