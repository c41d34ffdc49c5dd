import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256Again, sha256d } from './sha256.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

test('SHA-256d is SHA-256 twice, in memory of its own', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (one, other) => {
      const first = sha256d(one);
      expect(Buffer.from(sha256d(other))).toEqual(sha256(sha256(other)));
      expect(Buffer.from(first)).toEqual(sha256(sha256(one)));
    }),
  );
});

test('the second time begins with the first as a string of bytes', () => {
  const digest = sha256(Buffer.from('what was hashed'));
  expect(Buffer.from(sha256Again(digest.toString('latin1')))).toEqual(sha256(digest));
});
