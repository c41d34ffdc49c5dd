import { type KeyObject, sign, verify } from 'node:crypto';
import { base32Decode, base32Encode } from '@holdfast/lafs';
import * as z from 'zod';
import { parsePublicKey } from '../identity/index.js';

/**
 * A certificate as Tahoe-LAFS writes it into files and announcements (managed-grid.rst): the JSON text that is signed,
 * and the Ed25519 signature over exactly its UTF-8 bytes in base32, without a prefix.
 */
export const gridManagerCertificate = z.looseObject({
  certificate: z.string().max(2_000),
  signature: z.string().max(200),
});

export type GridManagerCertificate = Readonly<z.infer<typeof gridManagerCertificate>>;

/** Most certificates of one server that are looked at. */
export const mostCertificates = 16;

/** What a certificate says. */
export interface CertificateContent {
  /** Which storage server is vouched for, `v0-…`. */
  readonly serverId: string;
  readonly expires: Date;
}

/** A certificate that is none, or that somebody else signed. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  readonly code = 'grid-manager-certificate';
}

const contentSchema = z.looseObject({
  version: z.literal(1, 'expected version 1'),
  public_key: z.string().regex(/^pub-v0-[a-z2-7]{52}$/, 'expected pub-v0- and 52 base32 characters'),
  expires: z.iso.datetime({ offset: true, error: 'expected a time with its offset from UTC' }),
});

/** Vouches for a storage server until `expires`. The text has the peer's form: sorted keys, no white space, microseconds. */
export function signCertificate(
  { serverId, expires }: CertificateContent,
  manager: KeyObject,
): GridManagerCertificate {
  const certificate = JSON.stringify({
    expires: expires.toISOString().replace('Z', '000+00:00'),
    public_key: `pub-${serverId}`,
    version: 1,
  });
  return { certificate, signature: base32Encode(sign(null, Buffer.from(certificate), manager)) };
}

/**
 * Reads what a certificate says, whoever signed it.
 *
 * @throws CertificateError
 */
export function readCertificate({ certificate }: GridManagerCertificate): CertificateContent {
  let value: unknown;
  try {
    value = JSON.parse(certificate);
  } catch {
    throw new CertificateError('the certificate is not JSON');
  }
  const { success, data, error } = contentSchema.safeParse(value);
  if (success) return { serverId: data.public_key.slice('pub-'.length), expires: new Date(data.expires) };
  const issue = error.issues[0];
  throw new CertificateError(`the certificate's ${issue?.path.join('.') || 'value'}: ${issue?.message}`);
}

/** Whether `manager` signed a certificate. */
export function isSignedBy({ certificate, signature }: GridManagerCertificate, manager: KeyObject): boolean {
  if (!/^[a-z2-7]{103}$/.test(signature)) return false;
  try {
    return verify(null, Buffer.from(certificate), manager, base32Decode(signature));
  } catch {
    return false;
  }
}

/** Writes a public key as `parseManagerKey` reads it. */
export function formatManagerKey(key: KeyObject): string {
  return `pub-v0-${base32Encode(key.export({ type: 'spki', format: 'der' }).subarray(-32))}`;
}

/** A grid manager's or a server's public key as the peer writes it, `pub-v0-…`; undefined where the text is not one. */
export function parseManagerKey(text: string): KeyObject | undefined {
  return text.startsWith('pub-') ? parsePublicKey(text.slice('pub-'.length)) : undefined;
}
