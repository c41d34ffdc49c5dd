/** GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1 with the generator 2, the field of zfec. Addition is exclusive or. */

const modulus = 0x11d;

/** Powers of the generator, twice over, so that the sum of two logarithms needs no reduction. */
const powers = new Uint8Array(2 * 255);
const logarithms = new Uint8Array(256);

for (let exponent = 0, power = 1; exponent < 255; exponent++) {
  powers[exponent] = power;
  powers[exponent + 255] = power;
  logarithms[power] = exponent;
  power <<= 1;
  if (power & 0x100) power ^= modulus;
}

/** 2 to the power of `exponent`, for exponents from 0 to 509. */
export function generatorPower(exponent: number): number {
  return powers[exponent]!;
}

/** The exponent from 0 to 254 that gives `element`, which must not be 0. */
export function logarithm(element: number): number {
  return logarithms[element]!;
}

export function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : powers[logarithms[a]! + logarithms[b]!]!;
}
