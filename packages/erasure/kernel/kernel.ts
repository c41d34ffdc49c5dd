/**
 * The arithmetic of the erasure code on strips of blocks, in AssemblyScript (not TypeScript: `build-kernel.mjs`
 * compiles it to `dist/kernel.wasm`). Field: GF(2^8) modulo x^8+x^4+x^3+x^2+1 (0x11d), as zfec has it.
 *
 * A call works on strips laid out one after another from `strips`: first the input strips, then the output strips,
 * each starting `stride` bytes after the one before. Lengths are multiples of 64; what a strip holds past the end of
 * its data may be anything, and comes out as anything.
 *
 * A product with a constant c is two table look-ups, c*(low nibble) + c*(high nibble), and one SIMD swizzle looks up
 * 16 bytes at once. V8 on x86-64 makes one swizzle of two vector instructions and two loads, since it clamps the index
 * first: 0.23 ns against 0.07 ns for an addition (AMD EPYC, Zen 4), so swizzles decide the speed. The relaxed swizzle,
 * which does not clamp, is behind a flag in Node 20.
 */

/** For each c a table of 32 products: c*0 … c*15, then c*0x00, c*0x10 … c*0xf0. */
const nibbleProducts: usize = memory.data(256 * 32, 64);

/** Room for the matrix of `combine`, a byte per coefficient, row by row. No code of at most 256 shares has a bigger one. */
export const coefficients: usize = memory.data(128 * 128, 64);

/** The tables of products for the matrix's coefficients, in the order in which `combine` reads them. */
const matrixTables: usize = memory.data(128 * 128 * 32, 64);

/**
 * Room for all strips of a call, in bytes. Shorter strips stay in a nearer cache but need more calls and copies, longer
 * ones leave the second-level cache (1 MiB a core on the machine measured, an AMD EPYC, Zen 4). GB/s of input of `encode`
 * with 1 MiB segments, medians of seven runs:
 *
 *   room, KiB     32    64   128   256   512  1024
 *   3-of-10     1.40  1.61  1.82  2.05  2.08  2.07
 *   10-of-20    1.33  1.55  1.60  1.69  1.76  1.82
 */
export const stripsSize: usize = 512 * 1024;
export const strips: usize = memory.data(512 * 1024, 64);

function timesTwo(a: u32): u32 {
  return a & 0x80 ? (a << 1) ^ 0x11d : a << 1;
}

function product(a: u32, b: u32): u32 {
  let sum: u32 = 0;
  while (b !== 0) {
    if (b & 1) sum ^= a;
    a = timesTwo(a);
    b >>= 1;
  }
  return sum;
}

for (let c: u32 = 0; c < 256; c++) {
  for (let nibble: u32 = 0; nibble < 16; nibble++) {
    store<u8>(nibbleProducts + c * 32 + nibble, product(c, nibble) as u8);
    store<u8>(nibbleProducts + c * 32 + 16 + nibble, product(c, nibble << 4) as u8);
  }
}

function copyTable(to: usize, coefficientAt: usize): void {
  const from = nibbleProducts + ((load<u8>(coefficientAt) as usize) << 5);
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
}

/** Fills `matrixTables` for the `rows` x `columns` matrix at `coefficients`: rows in pairs, an odd one last. */
export function prepareMatrix(rows: usize, columns: usize): void {
  let to = matrixTables;
  let row = coefficients;
  while (rows >= 2) {
    for (let column: usize = 0; column < columns; column++, to += 64) {
      copyTable(to, row + column);
      copyTable(to + 32, row + columns + column);
    }
    row += 2 * columns;
    rows -= 2;
  }
  if (rows === 1) {
    for (let column: usize = 0; column < columns; column++, to += 32) copyTable(to, row + column);
  }
}

function times(low: v128, high: v128, lowNibbles: v128, highNibbles: v128): v128 {
  return v128.xor(i8x16.swizzle(low, lowNibbles), i8x16.swizzle(high, highNibbles));
}

/**
 * Two output strips at once, 32 bytes a turn: tables, indices and sums fit in the 16 registers of x86-64. Bigger pieces,
 * of up to seven strips or 64 bytes, were measured no faster.
 */
function combinePair(tables: usize, columns: usize, stride: usize, length: usize, output: usize): void {
  const nibble = i8x16.splat(15);
  for (let at: usize = 0; at < length; at += 32) {
    let a0 = i8x16.splat(0);
    let a1 = a0;
    let b0 = a0;
    let b1 = a0;
    let table = tables;
    let input = strips + at;
    const inputsEnd = input + columns * stride;
    do {
      const bytes0 = v128.load(input);
      const bytes1 = v128.load(input, 16);
      const low0 = v128.and(bytes0, nibble);
      const high0 = v128.and(i16x8.shr_u(bytes0, 4), nibble);
      const low1 = v128.and(bytes1, nibble);
      const high1 = v128.and(i16x8.shr_u(bytes1, 4), nibble);
      const aLow = v128.load(table);
      const aHigh = v128.load(table, 16);
      a0 = v128.xor(a0, times(aLow, aHigh, low0, high0));
      a1 = v128.xor(a1, times(aLow, aHigh, low1, high1));
      const bLow = v128.load(table, 32);
      const bHigh = v128.load(table, 48);
      b0 = v128.xor(b0, times(bLow, bHigh, low0, high0));
      b1 = v128.xor(b1, times(bLow, bHigh, low1, high1));
      table += 64;
      input += stride;
    } while (input < inputsEnd);
    v128.store(output + at, a0);
    v128.store(output + at, a1, 16);
    v128.store(output + stride + at, b0);
    v128.store(output + stride + at, b1, 16);
  }
}

/** One output strip, 64 bytes a turn. */
function combineOne(tables: usize, columns: usize, stride: usize, length: usize, output: usize): void {
  const nibble = i8x16.splat(15);
  for (let at: usize = 0; at < length; at += 64) {
    let sum0 = i8x16.splat(0);
    let sum1 = sum0;
    let sum2 = sum0;
    let sum3 = sum0;
    let table = tables;
    let input = strips + at;
    const inputsEnd = input + columns * stride;
    do {
      const low = v128.load(table);
      const high = v128.load(table, 16);
      const bytes0 = v128.load(input);
      const bytes1 = v128.load(input, 16);
      const bytes2 = v128.load(input, 32);
      const bytes3 = v128.load(input, 48);
      sum0 = v128.xor(
        sum0,
        times(low, high, v128.and(bytes0, nibble), v128.and(i16x8.shr_u(bytes0, 4), nibble)),
      );
      sum1 = v128.xor(
        sum1,
        times(low, high, v128.and(bytes1, nibble), v128.and(i16x8.shr_u(bytes1, 4), nibble)),
      );
      sum2 = v128.xor(
        sum2,
        times(low, high, v128.and(bytes2, nibble), v128.and(i16x8.shr_u(bytes2, 4), nibble)),
      );
      sum3 = v128.xor(
        sum3,
        times(low, high, v128.and(bytes3, nibble), v128.and(i16x8.shr_u(bytes3, 4), nibble)),
      );
      table += 32;
      input += stride;
    } while (input < inputsEnd);
    v128.store(output + at, sum0);
    v128.store(output + at, sum1, 16);
    v128.store(output + at, sum2, 32);
    v128.store(output + at, sum3, 48);
  }
}

/** Output strip r becomes the sum over c of matrix[r][c] * input strip c, for the matrix of the last `prepareMatrix`. */
export function combine(rows: usize, columns: usize, stride: usize, length: usize): void {
  let tables = matrixTables;
  let output = strips + columns * stride;
  while (rows >= 2) {
    combinePair(tables, columns, stride, length, output);
    tables += columns * 64;
    output += 2 * stride;
    rows -= 2;
  }
  if (rows === 1) combineOne(tables, columns, stride, length, output);
}

/** The field's generator times each of 16 bytes, without a swizzle: four of the cheapest instructions. */
function doubled(x: v128): v128 {
  return v128.xor(i8x16.add(x, x), v128.and(i8x16.lt_s(x, i8x16.splat(0)), i8x16.splat(0x1d)));
}

function inverse(a: u32): u32 {
  let b: u32 = 1;
  while (product(a, b) !== 1) b++;
  return b;
}

/**
 * What `combine` would make of three inputs (shares 0, 1 and 2) for the outputs 3, 4, 5 …: all parity of a code with
 * three required shares, the usual one, with one product with a constant instead of three for each output.
 *
 * Write g for the field's generator, 2. Share r is p(x) = a0 + a1 x + a2 x^2 at x = g^(r-1), and share 0 is p(0), so
 *   share 0 = a0
 *   share 0 + share 1 = a1 + a2                    (s below)
 *   share 0 + share 2 = g a1 + g^2 a2              so  a2 = (share 0 + share 2 + g s) / (g + g^2)  and  a1 = s + a2,
 * and from one share to the next the term of a1 grows by g and that of a2 by g^2. Measured on one core of an AMD EPYC
 * (Zen 4) at 3-of-10, without copying strips in and out: 4.1 GB/s of input, where `combine` makes 2.8.
 */
export function stepThree(rows: usize, stride: usize, length: usize): void {
  const nibble = i8x16.splat(15);
  const table = nibbleProducts + (inverse(6) as usize) * 32;
  const low = v128.load(table);
  const high = v128.load(table, 16);
  const input1 = strips + stride;
  const input2 = input1 + stride;
  for (let at: usize = 0; at < length; at += 32) {
    const a = v128.load(strips + at);
    const aSum = v128.xor(a, v128.load(input1 + at));
    const aRest = v128.xor(v128.xor(a, v128.load(input2 + at)), doubled(aSum));
    const aSquare = times(low, high, v128.and(aRest, nibble), v128.and(i16x8.shr_u(aRest, 4), nibble));
    let aFirst = doubled(doubled(v128.xor(aSum, aSquare)));
    let aSecond = doubled(doubled(doubled(doubled(aSquare))));
    const b = v128.load(strips + at, 16);
    const bSum = v128.xor(b, v128.load(input1 + at, 16));
    const bRest = v128.xor(v128.xor(b, v128.load(input2 + at, 16)), doubled(bSum));
    const bSquare = times(low, high, v128.and(bRest, nibble), v128.and(i16x8.shr_u(bRest, 4), nibble));
    let bFirst = doubled(doubled(v128.xor(bSum, bSquare)));
    let bSecond = doubled(doubled(doubled(doubled(bSquare))));
    let output = input2 + stride + at;
    for (let row: usize = 0; row < rows; row++) {
      v128.store(output, v128.xor(a, v128.xor(aFirst, aSecond)));
      v128.store(output, v128.xor(b, v128.xor(bFirst, bSecond)), 16);
      output += stride;
      aFirst = doubled(aFirst);
      bFirst = doubled(bFirst);
      aSecond = doubled(doubled(aSecond));
      bSecond = doubled(doubled(bSecond));
    }
  }
}
