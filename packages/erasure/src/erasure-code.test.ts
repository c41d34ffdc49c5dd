import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeErasureCode } from './contract/describe-erasure-code.js';
import { anySample, inHex, numbered, sampleBlocks } from './contract/samples.js';
import { createErasureCode } from './create-erasure-code.js';

describeErasureCode('plain');
describeErasureCode('simd');

describe('both erasure codes', () => {
  it('encode alike and decode what the other encoded', () => {
    fc.assert(
      fc.property(anySample(), ({ required, total, primary, order }) => {
        const plain = createErasureCode({ required, total, implementation: 'plain' });
        const simd = createErasureCode({ required, total, implementation: 'simd' });
        const shares = numbered(simd.encode(primary));
        expect(inHex(plain.encode(primary))).toEqual(inHex(shares.map(({ block }) => block)));
        const given = order.slice(0, required).map((shareNumber) => shares[shareNumber]!);
        expect(inHex(plain.decode(given))).toEqual(inHex(primary));
        expect(inHex(simd.decode(given))).toEqual(inHex(primary));
      }),
    );
  });

  // With three required shares the kernel has a way of its own to all parity, but not to a part of it.
  it.each([4, 5, 10, 256])('make the same parity of three blocks for %i shares', (total) => {
    for (const length of [1, 64, 100, 60_000]) {
      const primary = sampleBlocks('three', 3, length);
      const plain = createErasureCode({ required: 3, total, implementation: 'plain' }).encode(primary);
      const simd = createErasureCode({ required: 3, total, implementation: 'simd' });
      expect(inHex(simd.encode(primary))).toEqual(inHex(plain));
      expect(inHex(simd.encode(primary, [total - 1]))).toEqual(inHex(plain.slice(-1)));
    }
  });
});
