import { copyBytes } from '@holdfast/erasure';
import type { SegmentToDecode } from './segment-decoder.js';

/** Bytes of the room that a segment is packed into. */
export function packedSize(segment: SegmentToDecode): number {
  return parts(segment).reduce((sum, { length }) => sum + length, 0);
}

/**
 * A copy of a segment's blocks and hashes that lies in memory which another thread sees: what servers sent may lie in
 * memory that it does not, and holds more than this segment. The blocks are in order of their share numbers, so that those
 * of the first shares are the segment as it stands.
 *
 * @param room of `packedSize` bytes
 */
export function packInto(room: Uint8Array, segment: SegmentToDecode): SegmentToDecode {
  let at = 0;
  const packed = parts(segment).map((part) => {
    copyBytes(part, room, at);
    at += part.length;
    return room.subarray(at - part.length, at);
  });
  const blocks = inOrder(segment).map(({ shareNumber }, index, { length }) => ({
    shareNumber,
    block: packed[index] as Uint8Array,
    hash: packed[length + index] as Uint8Array,
  }));
  return { ...segment, blocks, hash: segment.hash && packed.at(-1) };
}

/** Whether a segment's blocks lie in memory that another thread sees already. */
export function isShared({ blocks }: SegmentToDecode): boolean {
  return blocks.every(({ block }) => block.buffer instanceof SharedArrayBuffer);
}

/** The same segment, with copies of its hashes: they may be parts of whole trees, which would be sent too. */
export function withOwnHashes(segment: SegmentToDecode): SegmentToDecode {
  const blocks = inOrder(segment).map(({ shareNumber, block, hash }) => ({
    shareNumber,
    block,
    hash: Uint8Array.from(hash),
  }));
  return { ...segment, blocks, hash: segment.hash && Uint8Array.from(segment.hash) };
}

function parts(segment: SegmentToDecode): Uint8Array[] {
  const blocks = inOrder(segment);
  const hash = segment.hash ? [segment.hash] : [];
  return [...blocks.map(({ block }) => block), ...blocks.map((each) => each.hash), ...hash];
}

function inOrder({ blocks }: SegmentToDecode): SegmentToDecode['blocks'] {
  return blocks.toSorted((a, b) => a.shareNumber - b.shareNumber);
}
