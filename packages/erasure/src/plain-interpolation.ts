import { multiply } from './galois-field.js';
import { type Interpolate, interpolationMatrix } from './interpolation.js';

/** Row c holds c times every byte. */
const products = Array.from({ length: 256 }, (_, c) =>
  Uint8Array.from({ length: 256 }, (_, byte) => multiply(c, byte)),
);

function addProduct(sum: Uint8Array, coefficient: number, block: Uint8Array): void {
  const product = products[coefficient]!;
  for (let at = 0; at < sum.length; at++) sum[at]! ^= product[block[at]!]!;
}

/** Interpolation without WebAssembly: simple enough to be seen right, and slow. */
export const interpolatePlainly: Interpolate = (blocks, from, to, outputs) => {
  const matrix = interpolationMatrix(from, to);
  for (const [row, sum] of outputs.entries()) {
    sum.fill(0);
    for (const [column, block] of blocks.entries())
      addProduct(sum, matrix[row * from.length + column]!, block);
  }
};
