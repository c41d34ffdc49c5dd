import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { base32Decode, base32Encode } from '@holdfast/lafs';
import { generateNodePem, parseNodePem, type TlsIdentity } from './certificate.js';
import { generateSigningKey, parseSigningKey, publicKeyText } from './signing-key.js';

/** Who a node is: all of it read from `private/`, none of it kept anywhere else. */
export interface Identity {
  /** `v0-` and the public signing key in base32: 55 characters. */
  readonly serverId: string;
  readonly signingKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly tls: TlsIdentity;
}

/** The files of `private/` that make a new identity: `node.privkey` and `node.pem`. */
export async function newIdentityFiles(): Promise<Record<string, string>> {
  return { 'node.privkey': `${generateSigningKey()}\n`, 'node.pem': await generateNodePem() };
}

/** Reads a node's identity from its folder. Throws an Error that names the file that is missing or wrong. */
export async function loadIdentity(dir: string): Promise<Identity> {
  const signingKey = parseSigningKey(await readPrivateFile(dir, 'node.privkey'));
  const tls = parseNodePem(await readPrivateFile(dir, 'node.pem'));
  return { serverId: publicKeyText(signingKey), signingKey, publicKey: createPublicKey(signingKey), tls };
}

/** A new 32-byte secret in the peer's file format (`private/secret`, `private/convergence`): base32 and a newline. */
export function newSecretFile(): string {
  return `${base32Encode(randomBytes(32))}\n`;
}

/** Reads a secret that `newSecretFile` or a Tahoe node wrote. */
export async function readPrivateSecret(dir: string, name: string): Promise<Uint8Array> {
  const text = (await readPrivateFile(dir, name)).trim();
  try {
    return base32Decode(text);
  } catch {
    throw new Error(`private/${name}: expected a secret in base32`);
  }
}

/** Reads a file of `private/` as text. */
export async function readPrivateFile(dir: string, name: string): Promise<string> {
  try {
    return await readFile(join(dir, 'private', name), 'utf8');
  } catch (error) {
    throw new Error(`private/${name} cannot be read: ${(error as NodeJS.ErrnoException).code}`, {
      cause: error,
    });
  }
}
