import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { base32Decode, base32Encode } from '@holdfast/lafs';

/** Node's crypto takes an Ed25519 seed only inside PKCS #8 (RFC 8410 §7): this is all of it before the seed. */
const pkcs8BeforeSeed = Buffer.from('302e020100300506032b657004220420', 'hex');
/** And all of a SubjectPublicKeyInfo before the 32 bytes of the key (RFC 8410 §4). */
const spkiBeforeKey = Buffer.from('302a300506032b6570032100', 'hex');

/** A new Ed25519 key as Tahoe's `node.privkey` holds it: `priv-v0-` and the 32-byte seed in base32. */
export function generateSigningKey(): string {
  return `priv-v0-${base32Encode(seedOf(generateKeyPairSync('ed25519').privateKey))}`;
}

/** Reads what `generateSigningKey` writes. Throws an Error that names the form but not the key. */
export function parseSigningKey(text: string): KeyObject {
  const match = /^priv-v0-([a-z2-7]{52})\s*$/.exec(text);
  if (!match?.[1]) throw new Error('node.privkey: expected priv-v0- and 52 base32 characters');
  const der = Buffer.concat([pkcs8BeforeSeed, base32Decode(match[1])]);
  return createPrivateKey({ key: der, type: 'pkcs8', format: 'der' });
}

/** The `v0-…` form of a signing key's public half: a server's id (announcements, server permutation). */
export function publicKeyText(key: KeyObject): string {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return `v0-${base32Encode(spki.subarray(spkiBeforeKey.length))}`;
}

/** Reads a `v0-…` public key; undefined where the text is not one. */
export function parsePublicKey(text: string): KeyObject | undefined {
  const match = /^v0-([a-z2-7]{52})$/.exec(text);
  if (!match?.[1]) return undefined;
  try {
    const der = Buffer.concat([spkiBeforeKey, base32Decode(match[1])]);
    return createPublicKey({ key: der, type: 'spki', format: 'der' });
  } catch {
    return undefined;
  }
}

/**
 * A key of 32 bytes for one purpose, made from a node's signing key: HKDF-SHA256 (RFC 5869) of its seed, without salt.
 * So a copy of `private/` made right after `init` holds every key that the node will ever encrypt with.
 *
 * @param purpose what the key is for, with a version; no two purposes have the same text
 */
export function deriveKey(signingKey: KeyObject, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', seedOf(signingKey), '', purpose, 32));
}

function seedOf(signingKey: KeyObject): Buffer {
  return signingKey.export({ type: 'pkcs8', format: 'der' }).subarray(pkcs8BeforeSeed.length);
}
