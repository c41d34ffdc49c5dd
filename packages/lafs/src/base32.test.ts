import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { base32Decode, base32Encode, MalformedBase32Error } from './base32.js';

describe('base32', () => {
  test('writes lowercase without padding', () => {
    expect(base32Encode(Buffer.from('hello'))).toBe('nbswy3dp');
    expect(base32Encode(Buffer.from('a'))).toBe('me');
    expect(base32Encode(new Uint8Array())).toBe('');
  });

  test('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(base32Decode(base32Encode(bytes))).toEqual(bytes);
      }),
    );
  });

  test('no two texts mean the same bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'abmqz237'), maxLength: 12 }), (text) => {
        try {
          expect(base32Encode(base32Decode(text))).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBase32Error);
        }
      }),
    );
  });

  test.each(['NBSWY3DP', 'me======', 'm', 'mf', 'm1', 'm e', 'nbswy3dé', 'me\n'])('refuses %j', (text) => {
    expect(() => base32Decode(text)).toThrow(MalformedBase32Error);
  });
});
