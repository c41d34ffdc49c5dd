import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { NumberedBlock } from '../erasure-code.js';

/** `count` blocks that `name` decides, as `fixtures/generate.py` describes them. */
export function sampleBlocks(name: string, count: number, length: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const pieces = Array.from({ length: Math.ceil(length / 32) }, (_, piece) =>
      createHash('sha256').update(`${name}/${index}/${piece}`).digest(),
    );
    return Uint8Array.from(Buffer.concat(pieces).subarray(0, length));
  });
}

export function numbered(blocks: readonly Uint8Array[]): NumberedBlock[] {
  return blocks.map((block, shareNumber) => ({ shareNumber, block }));
}

/** Blocks as strings, to be compared. */
export function inHex(blocks: readonly Uint8Array[]): string[] {
  return blocks.map((block) => Buffer.from(block).toString('hex'));
}

export interface Sample {
  readonly required: number;
  readonly total: number;
  readonly primary: Uint8Array[];
  /** All share numbers, shuffled. */
  readonly order: number[];
}

/** Any code, small ones more often, with blocks of up to 200 bytes. */
export function anySample(): fc.Arbitrary<Sample> {
  return fc
    .record({
      total: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 256 })),
      length: fc.integer({ min: 0, max: 200 }),
      name: fc.string(),
    })
    .chain(({ total, length, name }) => {
      const shareNumbers = Array.from({ length: total }, (_, shareNumber) => shareNumber);
      return fc
        .record({
          required: fc.integer({ min: 1, max: total }),
          order: fc.shuffledSubarray(shareNumbers, { minLength: total }),
        })
        .map(({ required, order }) => ({
          required,
          total,
          order,
          primary: sampleBlocks(name, required, length),
        }));
    });
}

/** What `call` throws. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error, nothing was thrown');
}
