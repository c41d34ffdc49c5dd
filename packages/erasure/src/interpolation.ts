import { generatorPower, logarithm } from './galois-field.js';

/**
 * The one operation the code is made of. Take bytes at the same position in blocks of different shares: they are the
 * values of one polynomial of a degree below `required`, each share at its own place. `interpolate` evaluates at the
 * places of the shares `to` the polynomial through the `blocks` of the shares `from`: encoding goes from the primary
 * shares to the parity shares, decoding from the shares at hand to the missing primary ones.
 *
 * @param blocks one for each share of `from`, of equal length
 * @param from different share numbers from 0 to 255, at least one
 * @param to different share numbers from 0 to 255, none of them in `from`
 * @param outputs one block for each share of `to`, as long as the others; what is in them is overwritten
 */
export type Interpolate = (
  blocks: readonly Uint8Array[],
  from: readonly number[],
  to: readonly number[],
  outputs: readonly Uint8Array[],
) => void;

/** Where zfec's Vandermonde matrix evaluates for a share: at 0 for share 0, at 2^(n-1) for share n. */
function placeOf(shareNumber: number): number {
  return shareNumber === 0 ? 0 : generatorPower(shareNumber - 1);
}

/**
 * The matrix that takes values at `from` to values at `to`, by Lagrange's formula: the entry for `to` t and `from` f is
 * the product of (t - g) / (f - g) over all other g in `from`. It equals what zfec gets by inverting a Vandermonde
 * matrix, since only one polynomial of that degree goes through the values.
 *
 * @returns `to.length` rows of `from.length` bytes, one row after another
 */
export function interpolationMatrix(from: readonly number[], to: readonly number[]): Uint8Array {
  const places = from.map(placeOf);
  const logDenominators = places.map((place) =>
    places.reduce((sum, other) => (other === place ? sum : sum + logarithm(place ^ other)), 0),
  );
  const matrix = new Uint8Array(to.length * from.length);
  to.map(placeOf).forEach((target, row) => {
    const logNumerator = places.reduce((sum, place) => sum + logarithm(target ^ place), 0);
    places.forEach((place, column) => {
      const log = logNumerator - logarithm(target ^ place) - logDenominators[column]!;
      matrix[row * from.length + column] = generatorPower(((log % 255) + 255) % 255);
    });
  });
  return matrix;
}
