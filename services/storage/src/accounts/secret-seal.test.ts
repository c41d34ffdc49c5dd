import { generateSigningKey, parseSigningKey } from '@holdfast/common/identity';
import { describe, expect, it } from 'vitest';
import { newAccountSecret } from './account-secret.js';
import { SecretSeal } from './secret-seal.js';

const newSeal = () => new SecretSeal(parseSigningKey(generateSigningKey()));
const alice = { key: 3, name: 'alice' };
const unreadable = expect.objectContaining({ code: 'unreadable-secret', account: 'alice' });

describe('a sealed secret', () => {
  const seal = newSeal();
  const secret = newAccountSecret();
  const sealed = seal.seal(secret, alice);

  it('opens with the key and for the account that it was sealed for', () => {
    expect(seal.open(sealed, alice)).toEqual(secret);
  });

  it('opens with the same folder on another day', () => {
    const file = generateSigningKey();
    const before = new SecretSeal(parseSigningKey(file)).seal(secret, alice);
    expect(new SecretSeal(parseSigningKey(`${file}\n`)).open(before, alice)).toEqual(secret);
  });

  it('does not show the secret, and is another each time', () => {
    expect(sealed.includes(secret)).toBe(false);
    expect(seal.seal(secret, alice)).not.toEqual(sealed);
  });

  it('does not open with the key of another folder', () => {
    expect(() => newSeal().open(sealed, alice)).toThrow(unreadable);
  });

  it('does not open for another account', () => {
    expect(() => seal.open(sealed, { key: 4, name: 'alice' })).toThrow(unreadable);
    expect(() => seal.open(sealed, { key: 3, name: 'bob' })).toThrow(
      expect.objectContaining({ code: 'unreadable-secret' }),
    );
  });

  it('does not open after any byte was changed', () => {
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect(() => seal.open(changed, alice)).toThrow(unreadable);
    }
  });

  it.each([0, 1, 13, 28, 60])('does not open when cut to %i bytes', (length) => {
    expect(() => seal.open(sealed.subarray(0, length), alice)).toThrow(unreadable);
  });

  it('does not open with bytes added', () => {
    expect(() => seal.open(Buffer.concat([sealed, Buffer.alloc(1)]), alice)).toThrow(unreadable);
  });

  it('says what is wrong without showing the secret', () => {
    expect(() => newSeal().open(sealed, alice)).toThrow(
      /account alice cannot be opened with the key of this folder/,
    );
  });
});
