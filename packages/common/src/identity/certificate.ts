import { createHash, webcrypto, X509Certificate } from 'node:crypto';

/** A TLS certificate and its key, and the two names that clients know it by. */
export interface TlsIdentity {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** SHA-256 of the SubjectPublicKeyInfo, 32 bytes: what a NURL pins. */
  readonly spkiHash: Uint8Array;
  /** SHA-1 of the certificate, 20 bytes: the tub id of a FURL, which seeds lease secrets and write enablers. */
  readonly tubId: Uint8Array;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/**
 * A new self-signed certificate, as the text of `node.pem`: certificate, then key.
 * Nobody checks a node's name or dates (clients pin the key), so it says nothing of the node and never runs out.
 *
 * @param addresses IP addresses that a client who does check finds in it
 */
export async function generateNodePem(addresses: readonly string[] = []): Promise<string> {
  // Only here, where a certificate is made: a node that runs needs none of it, and it takes 12 MB and a while to load.
  await import('reflect-metadata');
  const { default: x509 } = await import('@peculiar/x509');
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=node',
      keys,
      signingAlgorithm: algorithm,
      extensions:
        addresses.length === 0
          ? []
          : [new x509.SubjectAlternativeNameExtension(addresses.map((value) => ({ type: 'ip', value })))],
      notBefore: new Date('2020-01-01T00:00:00Z'),
      notAfter: new Date('9999-12-31T23:59:59Z'),
    },
    webcrypto,
  );
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const keyPem = `-----BEGIN PRIVATE KEY-----\n${key.replace(/.{64}(?=.)/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
  return `${certificate.toString('pem').trimEnd()}\n${keyPem}`;
}

/** Reads a `node.pem`, ours or Tahoe's. */
export function parseNodePem(text: string): TlsIdentity {
  const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(text)?.[0];
  const key = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----[^-]+-----END \1PRIVATE KEY-----/.exec(text)?.[0];
  if (!certificate || !key) throw new Error('node.pem: expected a certificate and a private key in PEM');
  const parsed = new X509Certificate(certificate);
  return {
    certificate,
    key,
    spkiHash: spkiHash(parsed),
    tubId: createHash('sha1').update(parsed.raw).digest(),
  };
}

/** SHA-256 of a certificate's SubjectPublicKeyInfo, 32 bytes. */
export function spkiHash(certificate: X509Certificate): Uint8Array {
  return createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}
