import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ErasureKernelError } from './errors.js';

/** The compiled kernel (`kernel/kernel.ts` says what its functions do) with the memory it works on. */
export interface Kernel {
  /** All of the kernel's memory, never grown. */
  readonly memory: Uint8Array;
  /** Where in `memory` the coefficients for `prepareMatrix` go. */
  readonly coefficients: number;
  /** Where in `memory` the strips begin, and how many bytes there are for all of them together. */
  readonly strips: number;
  readonly stripsSize: number;
  prepareMatrix(rows: number, columns: number): void;
  combine(rows: number, columns: number, stride: number, length: number): void;
  stepThree(rows: number, stride: number, length: number): void;
}

/** As much of WebAssembly's interface as is used here: the types of Node.js 20 do not declare it. */
declare const WebAssembly: {
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

interface KernelExports extends Pick<Kernel, 'prepareMatrix' | 'combine' | 'stepThree'> {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly coefficients: { readonly value: number };
  readonly strips: { readonly value: number };
  readonly stripsSize: { readonly value: number };
}

/**
 * Compiles the kernel at `path`; takes about a millisecond.
 *
 * @throws ErasureKernelError
 */
export function instantiateKernel(path: string): Kernel {
  let exports: KernelExports;
  try {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)));
    exports = instance.exports as KernelExports;
  } catch (error) {
    throw new ErasureKernelError(path, error);
  }
  const { memory, coefficients, strips, stripsSize, prepareMatrix, combine, stepThree } = exports;
  return {
    memory: new Uint8Array(memory.buffer),
    coefficients: coefficients.value,
    strips: strips.value,
    stripsSize: stripsSize.value,
    prepareMatrix,
    combine,
    stepThree,
  };
}

let kernel: Kernel | undefined;

/**
 * The kernel of this thread, compiled when first asked for. One instance serves all codes, since no call leaves
 * anything in its memory that a later call reads.
 *
 * @throws ErasureKernelError
 */
export function loadKernel(): Kernel {
  // The same path from `src`, where the tests run, and from `dist`.
  kernel ??= instantiateKernel(fileURLToPath(new URL('../dist/kernel.wasm', import.meta.url)));
  return kernel;
}
