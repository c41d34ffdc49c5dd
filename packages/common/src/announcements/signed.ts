import { randomBytes, sign, verify } from 'node:crypto';
import { base32Decode, base32Encode } from '@holdfast/lafs';
import * as z from 'zod';
import { type Identity, parsePublicKey } from '../identity/index.js';
import { type AnnouncementBody, announcementBody, maximumAnnouncementSize } from './body.js';
import { AnnouncementError } from './errors.js';

/**
 * An announcement on its way: the JSON text, the Ed25519 signature over exactly its UTF-8 bytes, and the key,
 * both as `v0-` and base32. (Tahoe-LAFS sends the same three as a list.)
 */
export const signedAnnouncement = z.strictObject({
  message: z.string(),
  signature: z.string().max(200),
  key: z.string().max(200),
});

export type SignedAnnouncement = z.infer<typeof signedAnnouncement>;

/** An announcement whose signature holds. */
export interface VerifiedAnnouncement {
  /** The key that signed it, `v0-…`: who the server is. */
  readonly serverId: string;
  readonly seqnum: number;
  readonly body: AnnouncementBody;
  readonly signed: SignedAnnouncement;
}

/** Signs what a server says of itself. A nonce makes two announcements of the same content differ, as the peer's do. */
export function signAnnouncement(body: AnnouncementBody, identity: Identity): SignedAnnouncement {
  const message = JSON.stringify({ ...body, nonce: base32Encode(randomBytes(20)) });
  const signature = sign(null, Buffer.from(message), identity.signingKey);
  return { message, signature: `v0-${base32Encode(signature)}`, key: identity.serverId };
}

/**
 * Checks signature and content.
 *
 * @throws AnnouncementError
 */
export function verifyAnnouncement(signed: SignedAnnouncement): VerifiedAnnouncement {
  const bytes = Buffer.from(signed.message, 'utf8');
  if (bytes.length > maximumAnnouncementSize) {
    throw new AnnouncementError(
      'too-large',
      `the announcement has ${bytes.length} bytes; ${maximumAnnouncementSize} are the most`,
    );
  }
  const key = parsePublicKey(signed.key);
  if (!key) throw new AnnouncementError('bad-key', 'expected a key of v0- and 52 base32 characters');
  if (!verify(null, bytes, key, decodeSignature(signed.signature))) {
    throw new AnnouncementError('bad-signature', 'the signature is not by this key over this message');
  }
  const body = parseBody(signed.message);
  return { serverId: signed.key, seqnum: body.seqnum, body, signed };
}

function decodeSignature(text: string): Uint8Array {
  const match = /^v0-([a-z2-7]{103})$/.exec(text);
  if (!match?.[1])
    throw new AnnouncementError('bad-signature', 'expected a signature of v0- and 103 base32 characters');
  try {
    return base32Decode(match[1]);
  } catch {
    throw new AnnouncementError('bad-signature', 'the signature is not base32');
  }
}

function parseBody(message: string): AnnouncementBody {
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    throw new AnnouncementError('malformed', 'the announcement is not JSON');
  }
  const result = announcementBody.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new AnnouncementError(
    'malformed',
    `announcement: ${issue?.path.join('.') || 'value'}: ${issue?.message}`,
  );
}
