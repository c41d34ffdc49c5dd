/**
 * Copies all of `from` into `to`, from `at` on; there must be room.
 *
 * `TypedArray.set` goes word by word where one of them is memory that threads share, and byte by byte where they do not
 * lie alike: 1.3 GB/s, a quarter of the time of the thread that codes. `Buffer.fill` copies natively: 25 GB/s.
 */
export function copyBytes(from: Uint8Array, to: Uint8Array, at = 0): void {
  if (from.length > 0) Buffer.prototype.fill.call(to, from, at, at + from.length);
}
