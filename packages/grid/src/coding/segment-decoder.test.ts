import { randomBytes } from 'node:crypto';
import {
  blockHash,
  blockSizeOf,
  ciphertextSegmentHash,
  createFileCipher,
  encodingGeometry,
  segmentDataSize,
} from '@holdfast/lafs';
import { afterAll, describe, expect, it } from 'vitest';
import { CodingError, CodingThread } from './coding-thread.js';
import { localCoding } from './local-coding.js';
import type { SegmentToDecode } from './segment-decoder.js';

const thread = new CodingThread();
afterAll(() => thread.close());

const key = randomBytes(16);
const content = randomBytes(250_001);
const geometry = encodingGeometry({
  required: 3,
  total: 7,
  maximumSegmentSize: 100_000,
  size: content.length,
});
const { segmentCount, segmentSize } = geometry;
const plaintext = (segment: number) =>
  content.subarray(segment * segmentSize, segment * segmentSize + segmentDataSize(geometry, segment));

/** A segment of the file, of which the blocks of these shares are there. */
async function stored(
  segment: number,
  shares: readonly number[],
  buffer: (size: number) => Uint8Array = Buffer.alloc,
): Promise<SegmentToDecode> {
  const ciphertext = createFileCipher(key, segment * segmentSize).update(plaintext(segment));
  const rooms = Array.from({ length: 7 }, () => buffer(blockSizeOf(geometry, segment)));
  await localCoding.encode(geometry, undefined).encode([ciphertext], rooms);
  const blocks = shares.map((shareNumber) => {
    const block = rooms[shareNumber] as Uint8Array;
    return { shareNumber, block, hash: blockHash(block) };
  });
  return { segment, blocks, size: ciphertext.length, hash: ciphertextSegmentHash(ciphertext) };
}

/** As it came, but for one byte of the block of one share. */
function damaged(segment: SegmentToDecode, shareNumber: number): SegmentToDecode {
  const blocks = segment.blocks.map((each) => {
    if (each.shareNumber !== shareNumber) return each;
    const block = Buffer.from(each.block);
    block[100] = (block[100] ?? 0) ^ 1;
    return { ...each, block };
  });
  return { ...segment, blocks };
}

describe.each([
  ['here', localCoding, Buffer.alloc],
  ['on a thread of its own', thread, Buffer.alloc],
  ['on a thread that sees their blocks', thread, thread.buffer],
])('segments decoded %s', (_place, coding, buffer) => {
  it.each([
    ['the first shares', [0, 1, 2]],
    ['the first shares in another order', [2, 0, 1]],
    ['some of the others', [6, 1, 4]],
    ['none of the first', [3, 5, 6]],
  ])('are the file, in any order, from %s', async (_which, shares) => {
    const decoding = coding.decode(geometry, key);
    const segments = Array.from({ length: segmentCount }, (_, segment) => segment).toReversed();
    const decoded = await Promise.all(
      segments.map(async (segment) => decoding.decode(await stored(segment, shares, buffer))),
    );
    for (const [index, segment] of segments.entries()) {
      const result = decoded[index];
      if (!result || !('pieces' in result)) throw new Error(`segment ${segment} was not decoded`);
      expect(Buffer.concat(result.pieces).equals(plaintext(segment))).toBe(true);
    }
    decoding.close();
  });

  it.each([
    ['the first shares', [0, 1, 2]],
    ['some of the others', [6, 1, 4]],
  ])('stay ciphertext without a key, and what they are when others follow, from %s', async (_, shares) => {
    const decoding = coding.decode(geometry, undefined);
    // Memory that is used again must not be what was given before and is not released.
    const [first, second] = [
      await decoding.decode(await stored(0, shares, buffer)),
      await decoding.decode(await stored(1, shares, buffer)),
    ];
    if (!('pieces' in first && 'pieces' in second)) throw new Error('a segment was not decoded');
    for (const [segment, { pieces }] of [first, second].entries()) {
      const decrypted = createFileCipher(key, segment * segmentSize).update(Buffer.concat(pieces));
      expect(decrypted.equals(plaintext(segment))).toBe(true);
    }
    decoding.close();
  });

  it('lie in memory that is used again when they are released, and not before', async () => {
    const decoding = coding.decode(geometry, undefined);
    const next = async (segment: number) => {
      const decoded = await decoding.decode(await stored(segment, [3, 4, 5]));
      if (!('pieces' in decoded)) throw new Error('the segment was not decoded');
      return { ...decoded, bytes: () => Buffer.concat(decoded.pieces) };
    };
    const first = await next(0);
    const before = first.bytes();
    await next(1);
    expect(first.bytes().equals(before)).toBe(true);
    first.release?.();
    const third = await next(1);
    expect(first.bytes().equals(third.bytes())).toBe(coding === thread);
    decoding.close();
  });

  it.each([
    ['with a key', key],
    ['without', undefined],
  ])(
    'stay what they are when their blocks are written over, where they are said not to lie in them: %s',
    async (_, given) => {
      const decoding = coding.decode(geometry, given);
      const segment = await stored(0, [0, 1, 2], buffer);
      const decoded = await decoding.decode(segment);
      if (!('pieces' in decoded)) throw new Error('the segment was not decoded');
      if (!decoded.liesInBlocks) for (const { block } of segment.blocks) block.fill(0);
      const bytes = Buffer.concat(decoded.pieces);
      const found = given ? bytes : createFileCipher(key, 0).update(bytes);
      expect(found.equals(plaintext(0))).toBe(true);
      // Blocks that the thread does not see are copied for it.
      const isCopied = coding === thread && buffer !== thread.buffer;
      expect(decoded.liesInBlocks).toBe(given === undefined && !isCopied);
      decoding.close();
    },
  );

  it('name every share whose block is wrong', async () => {
    const decoding = coding.decode(geometry, key);
    const segment = damaged(damaged(await stored(1, [5, 0, 3], buffer), 5), 3);
    for (const hash of [segment.hash, undefined]) {
      const wrong = { wrongBlocks: expect.toSatisfy(isSetOf(3, 5)) };
      expect(await decoding.decode({ ...segment, hash })).toEqual(wrong);
    }
    decoding.close();
  });

  it('are refused where good blocks decode to something else, unless somebody else proves that', async () => {
    const decoding = coding.decode(geometry, key);
    const segment = { ...(await stored(0, [0, 1, 2], buffer)), hash: randomBytes(32) };
    expect(await decoding.decode(segment)).toEqual({ wrongSegment: true });
    expect(await decoding.decode({ ...segment, hash: undefined })).toHaveProperty('pieces');
    decoding.close();
  });
});

describe('a thread that ends while segments of a file lie with it', () => {
  it('fails what it had, and the rest of that file; the next file is decoded by another', async () => {
    const ending = new CodingThread();
    const segments = [await stored(0, [0, 1, 2]), await stored(1, [0, 1, 2])];
    const decoding = ending.decode(geometry, key);
    const ended = expect(Promise.all(segments.map((segment) => decoding.decode(segment)))).rejects.toThrow(
      CodingError,
    );
    await ending.close();
    await ended;
    for (const segment of segments) await expect(decoding.decode(segment)).rejects.toThrow(CodingError);

    const next = ending.decode(geometry, key);
    for (const segment of segments) expect(await next.decode(segment)).toHaveProperty('pieces');
    await ending.close();
  });
});

function isSetOf(...expected: number[]): (found: number[]) => boolean {
  return (found) => found.toSorted().join() === expected.join();
}
