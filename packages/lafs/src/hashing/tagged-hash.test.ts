import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readFixture, stream, toHex } from '../testing/fixtures.js';
import {
  blockHash,
  ciphertextHasher,
  ciphertextSegmentHash,
  storageIndexOfKey,
  uriExtensionHash,
} from './immutable-hashes.js';
import { TaggedHasher, taggedHash, taggedPairHash } from './tagged-hash.js';

const recorded = readFixture<{
  purposes: { purpose: keyof typeof purposes; size: number; hash: string }[];
  tagged: { tag: string; size: number; truncateTo: number; hash: string }[];
  pairs: { tag: string; first: number; second: number; hash: string }[];
}>('hashes.json');

const purposes = {
  block: blockHash,
  ciphertext: (bytes: Uint8Array) => ciphertextHasher().update(bytes).digest(),
  ciphertextSegment: ciphertextSegmentHash,
  uriExtension: uriExtensionHash,
  storageIndex: storageIndexOfKey,
};

describe('tagged hashes are those of the peer', () => {
  test.each(recorded.purposes)('$purpose of $size bytes', ({ purpose, size, hash }) => {
    expect(toHex(purposes[purpose](stream('hash', size)))).toBe(hash);
  });

  test.each(recorded.tagged)('tag of any length, $size bytes, cut to $truncateTo', (each) => {
    const value = stream('hash', each.size);
    expect(toHex(taggedHash(each.tag, value, each.truncateTo))).toBe(each.hash);
    expect(toHex(new TaggedHasher(each.tag, each.truncateTo).update(value).digest())).toBe(each.hash);
  });

  test.each(recorded.pairs)('pair of $first and $second bytes', ({ tag, first, second, hash }) => {
    expect(toHex(taggedPairHash(tag, stream('hash', first), stream('hash', second)))).toBe(hash);
  });
});

test('it does not matter how a streamed value is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 6 }), (pieces) => {
      const hasher = ciphertextHasher();
      for (const piece of pieces) hasher.update(piece);
      const whole = ciphertextHasher().update(Buffer.concat(pieces));
      expect(hasher.digest()).toEqual(whole.digest());
    }),
  );
});

test('a result stays what it was when other hashes follow', () => {
  const first = blockHash(stream('hash', 100));
  const copy = toHex(first);
  blockHash(stream('hash', 101));
  uriExtensionHash(stream('hash', 5000));
  expect(toHex(first)).toBe(copy);
});
