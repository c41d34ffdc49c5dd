import { MalformedCborError } from './errors.js';

/**
 * Most items in a message, each of which becomes an object when it is decoded. A mutable share of 128 MiB that is
 * written in blocks of 43 kB, as the peer does, has 20,000.
 */
export const maximumCborItems = 400_000;

/** Deepest nesting of arrays, maps and tags that is read. The deepest message of the protocol has five levels. */
export const maximumCborDepth = 16;

/**
 * Walks over the heads of one CBOR item without building anything, so that a decoder that recurses can be
 * trusted with what passes. Byte strings are stepped over, so the time is that of the number of items.
 *
 * @throws MalformedCborError for nesting deeper than `limit`, for too many items, and for items that run past the end
 */
export function checkCborNesting(bytes: Uint8Array, limit = maximumCborDepth): void {
  // Items still to come at each open level; the outermost level awaits one.
  const open: number[] = [1];
  let at = 0;
  let items = 0;
  while (open.length > 0) {
    const level = open.length - 1;
    if (open[level] === 0) {
      open.pop();
      continue;
    }
    open[level] = (open[level] as number) - 1;
    if (++items > maximumCborItems)
      throw new MalformedCborError(`it has more than ${maximumCborItems} items`);
    const head = bytes[at++];
    if (head === undefined) throw new MalformedCborError('it ends too early');
    const major = head >> 5;
    const short = head & 0x1f;
    if (short > 27) throw new MalformedCborError('indefinite lengths are not used here');
    const argumentSize = short < 24 ? 0 : 1 << (short - 24);
    let argument = short;
    if (argumentSize > 0) {
      argument = 0;
      for (let index = 0; index < argumentSize; index++) argument = argument * 256 + (bytes[at + index] ?? 0);
      at += argumentSize;
    }
    if (at > bytes.length) throw new MalformedCborError('it ends too early');
    if (major === 2 || major === 3) {
      at += argument;
      if (at > bytes.length) throw new MalformedCborError('it ends too early');
    } else if (major === 4 || major === 5 || major === 6) {
      // Every item has at least one byte, so a count beyond the remaining bytes is a lie.
      const within = major === 4 ? argument : major === 5 ? argument * 2 : 1;
      if (within > bytes.length - at) throw new MalformedCborError('it ends too early');
      open.push(within);
      if (open.length > limit + 1) throw new MalformedCborError(`it is nested more than ${limit} deep`);
    }
  }
}
