import type { ErasureCode, NumberedBlock } from './erasure-code.js';
import { checkBlocks, checkParameters, checkShareNumbers } from './input-checks.js';
import type { Interpolate } from './interpolation.js';

/** The numbers from `start` to `end - 1`. */
function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}

/** The erasure code in terms of interpolation: what both implementations share. */
export class SystematicCode implements ErasureCode {
  readonly #interpolate: Interpolate;

  constructor(
    readonly required: number,
    readonly total: number,
    interpolate: Interpolate,
  ) {
    checkParameters(required, total);
    this.#interpolate = interpolate;
  }

  encode(primary: readonly Uint8Array[], wanted: readonly number[] = range(0, this.total)): Uint8Array[] {
    checkBlocks(primary, this.required);
    checkShareNumbers(wanted, this.total);
    const parity = wanted.filter((shareNumber) => shareNumber >= this.required);
    const made = this.#interpolate(primary, range(0, this.required), parity).values();
    return wanted.map((shareNumber) => primary[shareNumber] ?? made.next().value!);
  }

  decode(blocks: readonly NumberedBlock[]): Uint8Array[] {
    const given = blocks.map(({ block }) => block);
    const shareNumbers = blocks.map(({ shareNumber }) => shareNumber);
    checkBlocks(given, this.required);
    checkShareNumbers(shareNumbers, this.total);
    const blockOf = new Map(blocks.map(({ shareNumber, block }) => [shareNumber, block]));
    const missing = range(0, this.required).filter((shareNumber) => !blockOf.has(shareNumber));
    const made = this.#interpolate(given, shareNumbers, missing).values();
    return range(0, this.required).map((shareNumber) => blockOf.get(shareNumber) ?? made.next().value!);
  }
}
