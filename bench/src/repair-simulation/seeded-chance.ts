/** Numbers that look random and come again with the same seed (xoshiro128**). */
export class SeededChance {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed a whole number below 2^32 */
  constructor(seed: number) {
    let state = seed >>> 0;
    const filling = () => {
      state = (state + 0x9e3779b9) >>> 0;
      const mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
      const more = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      return (more ^ (more >>> 16)) >>> 0;
    };
    this.#a = filling();
    this.#b = filling();
    this.#c = filling();
    this.#d = filling() | 1;
  }

  /** From 0 to below 1. */
  next(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result / 2 ** 32;
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.next();
  }

  /** A time until something that comes at any moment with the same chance. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** A duration of which half are shorter than the median, and some are very much longer. */
  logNormal(median: number, deviation: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return median * Math.exp(deviation * normal);
  }
}
