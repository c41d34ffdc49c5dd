import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortenedText } from './shortened-text.js';

describe('a shortened text', () => {
  it('is the text where that is short enough, and else ends in an ellipsis', () => {
    expect(shortenedText('bad hash', 8)).toBe('bad hash');
    expect(shortenedText('bad hashes', 8)).toBe('bad h…');
  });

  it('cuts no character in two', () => {
    expect(shortenedText('äöü', 5)).toBe('ä…');
    expect(shortenedText('🐚🐚🐚', 11)).toBe('🐚🐚…');
    expect(shortenedText('🐚🐚🐚', 10)).toBe('🐚…');
  });

  it('is valid UTF-8 of at most so many bytes, and begins as the text does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 3, max: 40 }), (text, most) => {
        const shortened = shortenedText(text, most);
        expect(Buffer.byteLength(shortened)).toBeLessThanOrEqual(most);
        expect(new TextDecoder('utf8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(shortened))).toBe(
          shortened,
        );
        expect(text.startsWith(shortened.replace(/…$/, ''))).toBe(true);
      }),
    );
  });
});
