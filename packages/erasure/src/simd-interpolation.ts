import { copyBytes } from './copy-bytes.js';
import { type Interpolate, interpolationMatrix } from './interpolation.js';
import type { Kernel } from './kernel.js';

/** Bytes in a cache line; the kernel works on whole ones. */
const line = 64;

/**
 * How far apart strips start. An odd number of cache lines, since strips a multiple of 4096 bytes apart compete for
 * the same few places in the first-level cache: 2.2 GB/s instead of 2.8 for `combine` at 3-of-10.
 */
function strideFor(stripLength: number): number {
  const lines = Math.ceil(stripLength / line);
  return line * (lines % 2 === 0 ? lines + 1 : lines);
}

/** The longest strip of which `count` find room. */
function longestStrip(kernel: Kernel, count: number): number {
  const lines = Math.floor(kernel.stripsSize / line / count);
  return line * (lines % 2 === 0 ? lines - 1 : lines);
}

/** Whether `to` is the parity that `stepThree` makes of the three primary shares. */
function isParityOfThree(from: readonly number[], to: readonly number[]): boolean {
  return from.length === 3 && [...from, ...to].every((shareNumber, index) => shareNumber === index);
}

/**
 * Interpolation with the WebAssembly kernel, strip by strip: a strip of every input block is copied in, the strips of
 * all output blocks are made of it, and copied out.
 */
export function interpolateWith(kernel: Kernel): Interpolate {
  const { memory, strips } = kernel;

  return (blocks, from, to, outputs) => {
    if (to.length === 0) return;
    const length = blocks[0]!.length;
    const stripCount = Math.ceil(length / longestStrip(kernel, from.length + to.length));
    const stripLength = Math.ceil(length / stripCount / line) * line;
    const stride = strideFor(stripLength);
    const stepping = isParityOfThree(from, to);
    if (!stepping) {
      memory.set(interpolationMatrix(from, to), kernel.coefficients);
      kernel.prepareMatrix(to.length, from.length);
    }

    for (let start = 0; start < length; start += stripLength) {
      const end = Math.min(start + stripLength, length);
      const lengthInLines = Math.ceil((end - start) / line) * line;
      let at = strips;
      for (const block of blocks) {
        copyBytes(block.subarray(start, end), memory, at);
        at += stride;
      }
      if (stepping) kernel.stepThree(to.length, stride, lengthInLines);
      else kernel.combine(to.length, from.length, stride, lengthInLines);
      for (const output of outputs) {
        copyBytes(memory.subarray(at, at + end - start), output, start);
        at += stride;
      }
    }
  };
}
