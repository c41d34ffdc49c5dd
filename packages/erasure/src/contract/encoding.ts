import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anySample, inHex, sampleBlocks } from './samples.js';
import type { CreateCode } from './subject.js';

export function describeEncoding(create: CreateCode): void {
  describe('makes', () => {
    it('the wanted shares only, in the wanted order', () => {
      fc.assert(
        fc.property(anySample(), fc.nat(), ({ required, total, primary, order }, number) => {
          const code = create(required, total);
          const wanted = order.slice(0, number % (total + 1));
          const all = inHex(code.encode(primary));
          expect(inHex(code.encode(primary, wanted))).toEqual(wanted.map((shareNumber) => all[shareNumber]));
        }),
      );
    });

    it('the first parity shares alone', () => {
      const code = create(3, 10);
      const primary = sampleBlocks('first parity', 3, 1000);
      expect(inHex(code.encode(primary, [3, 4]))).toEqual(inHex(code.encode(primary)).slice(3, 5));
    });

    it('primary shares of the given objects, uncopied', () => {
      const primary = sampleBlocks('primary', 3, 100);
      const encoded = create(3, 10).encode(primary);
      for (const [shareNumber, block] of primary.entries()) expect(encoded[shareNumber]).toBe(block);
    });

    it('parity blocks with buffers of their own, which later calls leave alone', () => {
      const code = create(3, 10);
      const parity = code.encode(sampleBlocks('first', 3, 100)).slice(3);
      const before = inHex(parity);
      code.encode(sampleBlocks('second', 3, 100));
      expect(inHex(parity)).toEqual(before);
      expect(new Set(parity.map(({ buffer }) => buffer)).size).toBe(7);
      for (const { buffer } of parity) expect(buffer.byteLength).toBe(100);
    });

    it('parity in the room it is given, and nowhere else', () => {
      const code = create(3, 10);
      const primary = sampleBlocks('room', 3, 100);
      const whole = new Uint8Array(7 * 102).fill(7);
      const room = (shareNumber: number) =>
        whole.subarray((shareNumber - 3) * 102 + 1, (shareNumber - 3) * 102 + 101);
      const encoded = code.encode(primary, undefined, room);
      expect(inHex(encoded)).toEqual(inHex(code.encode(primary)));
      for (const shareNumber of [3, 4, 5, 6, 7, 8, 9]) {
        expect(encoded[shareNumber]!.buffer).toBe(whole.buffer);
        expect([whole[(shareNumber - 3) * 102], whole[(shareNumber - 3) * 102 + 101]]).toEqual([7, 7]);
      }
    });

    it('the same of views into a larger buffer, which it leaves as it was', () => {
      const [whole] = sampleBlocks('views', 1, 301);
      const before = Uint8Array.from(whole!);
      const views = [0, 1, 2].map((index) => whole!.subarray(1 + index * 100, 101 + index * 100));
      const copies = views.map((view) => Uint8Array.from(view));
      const code = create(3, 10);
      expect(inHex(code.encode(views))).toEqual(inHex(code.encode(copies)));
      expect(whole).toEqual(before);
    });
  });
}
