import { createHash, createPrivateKey, createPublicKey, hkdfSync, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { base32Decode, base32Encode } from '@holdfast/lafs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordedNode } from '../testing/recorded-node.js';
import {
  deriveKey,
  generateNodePem,
  generateSigningKey,
  loadIdentity,
  newIdentityFiles,
  newSecretFile,
  parseNodePem,
  parsePublicKey,
  parseSigningKey,
  publicKeyText,
  readPrivateSecret,
} from './index.js';

const recorded = recordedNode().identity;

describe('a key made from a signing key', () => {
  const signingKey = parseSigningKey(generateSigningKey());

  it('is the same each time, and another for each purpose and each signing key', () => {
    const key = deriveKey(signingKey, 'one');
    expect(key).toHaveLength(32);
    expect(deriveKey(signingKey, 'one')).toEqual(key);
    expect(deriveKey(signingKey, 'two')).not.toEqual(key);
    expect(deriveKey(parseSigningKey(generateSigningKey()), 'one')).not.toEqual(key);
  });

  it('is HKDF-SHA256 of the seed, without salt', () => {
    const seed = base32Decode(recorded['node.privkey'].trim().slice('priv-v0-'.length));
    const expected = Buffer.from(hkdfSync('sha256', seed, '', 'one', 32));
    expect(deriveKey(parseSigningKey(recorded['node.privkey']), 'one')).toEqual(expected);
  });
});

describe('a signing key', () => {
  it('of a Tahoe node is read, and has the public key that Tahoe wrote beside it', () => {
    const key = parseSigningKey(recorded['node.privkey']);
    expect(`pub-${publicKeyText(key)}`).toBe(recorded['node.pubkey'].trim());
  });

  it('of ours is written as Tahoe writes its own', () => {
    const text = generateSigningKey();
    expect(text).toMatch(/^priv-v0-[a-z2-7]{52}$/);
    expect(text).toHaveLength(recorded['node.privkey'].trim().length);
    const parsed = parsePublicKey(publicKeyText(parseSigningKey(text)));
    expect(parsed?.equals(createPublicKey(parseSigningKey(text)))).toBe(true);
    expect(generateSigningKey()).not.toBe(text);
  });

  it.each([
    '',
    'priv-v0-',
    `priv-v1-${'a'.repeat(52)}`,
    `priv-v0-${'a'.repeat(51)}`,
    `priv-v0-${'A'.repeat(52)}`,
    `v0-${'a'.repeat(52)}`,
  ])('is refused where it is %j, in words that do not repeat it', (text) => {
    expect(() => parseSigningKey(text)).toThrow(
      /^node\.privkey: expected priv-v0- and 52 base32 characters$/,
    );
  });
});

describe('a certificate', () => {
  it('of a Tahoe node has the tub id and the key hash that Tahoe computes', () => {
    const { tubId, spkiHash } = parseNodePem(recorded['node.pem']);
    expect(base32Encode(tubId)).toBe(recorded.tubId);
    expect(Buffer.from(spkiHash).toString('base64url')).toBe(recorded.spkiHash);
  });

  it('of ours is self-signed by the key beside it, and says nothing of the node', async () => {
    const pem = await generateNodePem();
    const { certificate, key, spkiHash, tubId } = parseNodePem(pem);
    const parsed = new X509Certificate(certificate);
    expect(parsed.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(parsed.subject).toBe('CN=node');
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    const spki = parsed.publicKey.export({ type: 'spki', format: 'der' });
    expect(Buffer.compare(spkiHash, createHash('sha256').update(spki).digest())).toBe(0);
    expect(tubId).toHaveLength(20);
  });

  it('is refused where the file lacks one of its two halves', () => {
    const [certificate = '', key = ''] = recorded['node.pem'].split(/(?<=-----END CERTIFICATE-----\n)/);
    for (const text of ['', certificate, key])
      expect(() => parseNodePem(text)).toThrow('node.pem: expected a certificate and a private key in PEM');
  });
});

describe('who a node is', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'holdfast-identity-'));
    await mkdir(join(dir, 'private'));
  });
  afterEach(() => rm(dir, { recursive: true }));
  const write = async (files: Record<string, string>) => {
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, 'private', name), text);
  };

  it('is the same whenever it is read', async () => {
    await write(await newIdentityFiles());
    const [one, two] = [await loadIdentity(dir), await loadIdentity(dir)];
    expect(one.serverId).toMatch(/^v0-[a-z2-7]{52}$/);
    expect(two.serverId).toBe(one.serverId);
    expect(two.tls).toEqual(one.tls);
  });

  it('is read from the files of a Tahoe node too', async () => {
    await write({ 'node.privkey': recorded['node.privkey'], 'node.pem': recorded['node.pem'] });
    expect((await loadIdentity(dir)).serverId).toBe(recorded['node.pubkey'].trim().replace('pub-', ''));
  });

  it('cannot be read where a file is missing: the error names it', async () => {
    await expect(loadIdentity(dir)).rejects.toThrow('private/node.privkey cannot be read: ENOENT');
    const { 'node.privkey': key = '' } = await newIdentityFiles();
    await write({ 'node.privkey': key });
    await expect(loadIdentity(dir)).rejects.toThrow('private/node.pem cannot be read: ENOENT');
  });

  it('keeps secrets of 32 bytes in the peer’s form', async () => {
    const text = newSecretFile();
    expect(text).toMatch(/^[a-z2-7]{52}\n$/);
    await write({ secret: text, bad: 'not base32: 0189\n' });
    const secret = await readPrivateSecret(dir, 'secret');
    expect(secret).toHaveLength(32);
    expect(`${base32Encode(secret)}\n`).toBe(text);
    await expect(readPrivateSecret(dir, 'bad')).rejects.toThrow(
      /^private\/bad: expected a secret in base32$/,
    );
  });
});
