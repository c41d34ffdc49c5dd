import { ciphertextSegmentHash, ciphertextSegmentHasher } from '@holdfast/lafs';

/** A segment's bytes as whoever takes them has them: in pieces that follow each other. */
export interface TakenSegment {
  readonly pieces: readonly Uint8Array[];
  /** To be called once, when nobody will look at the pieces any more, or not at all where that is not known. */
  readonly release: () => void;
}

/** The hash of a segment's ciphertext (32 bytes). */
export function segmentHash(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  if (only && pieces.length === 1) return ciphertextSegmentHash(only);
  const hasher = ciphertextSegmentHasher();
  for (const piece of pieces) hasher.update(piece);
  return hasher.digest();
}

/** The `size` bytes from `start` on, or those of them that are there, in pieces too. Nothing is copied. */
export function partOf(pieces: readonly Uint8Array[], start: number, size: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let position = 0;
  for (const piece of pieces) {
    const from = Math.max(0, start - position);
    const to = Math.min(piece.length, start + size - position);
    if (from < to) parts.push(piece.subarray(from, to));
    position += piece.length;
  }
  return parts;
}
