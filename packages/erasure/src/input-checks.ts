import { ErasureInputError, ErasureParameterError } from './errors.js';

/** @throws ErasureParameterError */
export function checkParameters(required: number, total: number): void {
  const possible =
    Number.isInteger(required) &&
    Number.isInteger(total) &&
    1 <= required &&
    required <= total &&
    total <= 256;
  if (!possible) throw new ErasureParameterError(required, total);
}

/** @throws ErasureInputError */
export function checkBlocks(blocks: readonly Uint8Array[], expectedCount: number): void {
  if (blocks.length !== expectedCount) {
    throw new ErasureInputError({ code: 'wrong-block-count', found: blocks.length, expected: expectedCount });
  }
  const expected = blocks[0]!.length;
  for (const [index, { length: found }] of blocks.entries()) {
    if (found !== expected) {
      throw new ErasureInputError({ code: 'unequal-block-lengths', index, found, expected });
    }
  }
}

/** @throws ErasureInputError */
export function checkShareNumbers(shareNumbers: readonly number[], total: number): void {
  const seen = new Set<number>();
  for (const shareNumber of shareNumbers) {
    if (!Number.isInteger(shareNumber) || shareNumber < 0 || shareNumber >= total) {
      throw new ErasureInputError({ code: 'unknown-share-number', shareNumber, total });
    }
    if (seen.has(shareNumber)) throw new ErasureInputError({ code: 'repeated-share-number', shareNumber });
    seen.add(shareNumber);
  }
}

/** @throws ErasureInputError where room for a block has another length than the blocks */
export function checkRoom(rooms: readonly Uint8Array[], expected: number): void {
  for (const [index, { length: found }] of rooms.entries()) {
    if (found !== expected)
      throw new ErasureInputError({ code: 'unequal-block-lengths', index, found, expected });
  }
}
