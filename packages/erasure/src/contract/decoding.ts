import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ErasureInputError } from '../errors.js';
import { anySample, inHex, numbered, sampleBlocks } from './samples.js';
import type { CreateCode } from './subject.js';

export function describeDecoding(create: CreateCode): void {
  describe('gives the primary blocks back', () => {
    it('from any required blocks of different shares, in any order', () => {
      fc.assert(
        fc.property(anySample(), ({ required, total, primary, order }) => {
          const code = create(required, total);
          const shares = numbered(code.encode(primary));
          const given = order.slice(0, required).map((shareNumber) => shares[shareNumber]!);
          expect(inHex(code.decode(given))).toEqual(inHex(primary));
        }),
      );
    });

    it.each([
      [1, 256],
      [128, 256],
      [255, 256],
      [256, 256],
    ])('from the last %i of %i shares', (required, total) => {
      const code = create(required, total);
      const primary = sampleBlocks('last shares', required, 1000);
      expect(inHex(code.decode(numbered(code.encode(primary)).slice(-required)))).toEqual(inHex(primary));
    });

    it.each([
      [3, 10, 349_526],
      [5, 8, 209_716],
      [128, 256, 8192],
    ])('at %i-of-%i when blocks, of %i bytes, are too long for the kernel to take at once', (...sizes) => {
      const [required, total, length] = sizes;
      const code = create(required, total);
      const primary = sampleBlocks('long blocks', required, length);
      expect(inHex(code.decode(numbered(code.encode(primary)).slice(-required)))).toEqual(inHex(primary));
    });

    it('when they are empty', () => {
      const code = create(2, 4);
      const primary = [new Uint8Array(), new Uint8Array()];
      expect(code.decode(numbered(code.encode(primary)).slice(-2))).toEqual(primary);
    });

    it('in the room it is given for those that were not', () => {
      const code = create(3, 10);
      const primary = sampleBlocks('room', 3, 100);
      const shares = numbered(code.encode(primary));
      const rooms = new Map<number, Uint8Array>();
      const room = (shareNumber: number) => {
        const made = new Uint8Array(100).fill(0xaa);
        rooms.set(shareNumber, made);
        return made;
      };
      const decoded = code.decode([shares[2]!, shares[7]!, shares[9]!], room);
      expect(inHex(decoded)).toEqual(inHex(primary));
      expect([...rooms.keys()]).toEqual([0, 1]);
      for (const [shareNumber, made] of rooms) expect(decoded[shareNumber]).toBe(made);
      expect(() => code.decode([shares[2]!, shares[7]!, shares[9]!], () => new Uint8Array(99))).toThrow(
        ErasureInputError,
      );
    });

    it('as the given objects where they were given', () => {
      const code = create(3, 10);
      const primary = sampleBlocks('given', 3, 100);
      const shares = numbered(code.encode(primary));
      const decoded = code.decode([shares[2]!, shares[7]!, shares[0]!]);
      expect(decoded[0]).toBe(primary[0]);
      expect(decoded[2]).toBe(primary[2]);
    });
  });
}
