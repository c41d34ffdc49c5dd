import { createHmac } from 'node:crypto';
import { base32Encode } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { deriveCredential, newAccountSecret } from './account-secret.js';

const server = (letter: string) => `v0-${letter.repeat(52)}`;

describe('the credential of an account', () => {
  it('is HKDF-SHA256 of its secret, with the server in info and no salt (RFC 5869)', () => {
    const secret = newAccountSecret();
    const hmac = (key: Uint8Array, ...parts: (string | Uint8Array)[]) =>
      parts.reduce((hash, part) => hash.update(part), createHmac('sha256', key)).digest();
    const info = `holdfast storage credential v1 ${server('a')}`;
    const expected = hmac(hmac(Buffer.alloc(32), secret), info, Buffer.of(1)).subarray(0, 20);
    expect(deriveCredential(secret, server('a'))).toBe(base32Encode(expected));
  });

  it('has the form of a swissnum', () => {
    expect(deriveCredential(newAccountSecret(), server('a'))).toMatch(/^[a-z2-7]{32}$/);
  });

  it('is always the same at one server, and another at each other server and for each other account', () => {
    const [alice, bob] = [newAccountSecret(), newAccountSecret()];
    expect(deriveCredential(alice, server('a'))).toBe(deriveCredential(alice, server('a')));
    const all = [alice, bob].flatMap((secret) =>
      ['a', 'b', 'c'].map((letter) => deriveCredential(secret, server(letter))),
    );
    expect(new Set(all).size).toBe(6);
  });
});
