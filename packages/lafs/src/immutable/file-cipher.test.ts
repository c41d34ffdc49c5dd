import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stream } from '../testing/fixtures.js';
import { createFileCipher } from './file-cipher.js';

const key = stream('key', 16);
const plaintext = stream('file', 1000);
const ciphertext = createCipheriv('aes-128-ctr', key, new Uint8Array(16)).update(plaintext);

test('the whole file is encrypted with the counter from 0', () => {
  expect(createFileCipher(key).update(plaintext)).toEqual(ciphertext);
});

test('any range of the file can be decrypted alone', () => {
  fc.assert(
    fc.property(fc.nat({ max: 1000 }), fc.nat({ max: 1000 }), (a, b) => {
      const [start, end] = [Math.min(a, b), Math.max(a, b)];
      const range = createFileCipher(key, start).update(ciphertext.subarray(start, end));
      expect(Buffer.compare(range, plaintext.subarray(start, end))).toBe(0);
    }),
  );
});

test('the counter passes 32 bits', () => {
  const position = 2 ** 36;
  const counter = new Uint8Array(16);
  counter[11] = 1;
  const expected = createCipheriv('aes-128-ctr', key, counter).update(plaintext);
  expect(createFileCipher(key, position).update(plaintext)).toEqual(expected);
});
