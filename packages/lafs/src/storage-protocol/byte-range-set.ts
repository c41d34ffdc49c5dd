import type { ByteRange } from './ranges.js';

/** A set of bytes, kept as few ranges in order: what is there of a share on its way in. */
export class ByteRangeSet {
  /** In order, apart from each other by at least one byte. */
  #ranges: ByteRange[] = [];

  /** How many bytes are in the set. */
  get size(): number {
    let size = 0;
    for (const { begin, end } of this.#ranges) size += end - begin;
    return size;
  }

  /** How many separate ranges the set has. */
  get fragments(): number {
    return this.#ranges.length;
  }

  /** Adds a range; what is in already stays. */
  add(range: ByteRange): void {
    if (range.begin >= range.end) return;
    let { begin, end } = range;
    const before: ByteRange[] = [];
    const after: ByteRange[] = [];
    for (const known of this.#ranges) {
      if (known.end < begin) before.push(known);
      else if (known.begin > end) after.push(known);
      else {
        begin = Math.min(begin, known.begin);
        end = Math.max(end, known.end);
      }
    }
    this.#ranges = [...before, { begin, end }, ...after];
  }

  /** The parts of `range` that are in the set, in order. */
  within(range: ByteRange): ByteRange[] {
    const parts: ByteRange[] = [];
    for (const known of this.#ranges) {
      const begin = Math.max(known.begin, range.begin);
      const end = Math.min(known.end, range.end);
      if (begin < end) parts.push({ begin, end });
    }
    return parts;
  }

  /** The parts of `range` that are not in the set, in order. */
  missing(range: ByteRange): ByteRange[] {
    const gaps: ByteRange[] = [];
    let at = range.begin;
    for (const part of this.within(range)) {
      if (part.begin > at) gaps.push({ begin: at, end: part.begin });
      at = part.end;
    }
    if (at < range.end) gaps.push({ begin: at, end: range.end });
    return gaps;
  }
}
