import type { ErasureCode } from './erasure-code.js';
import { loadKernel } from './kernel.js';
import { interpolatePlainly } from './plain-interpolation.js';
import { interpolateWith } from './simd-interpolation.js';
import { SystematicCode } from './systematic-code.js';

/** `simd` runs a WebAssembly kernel, `plain` needs nothing but JavaScript and is some thirty times slower. */
export type ErasureImplementation = 'simd' | 'plain';

/**
 * @param options.required how many shares give the file back, from 1 to `total`
 * @param options.total how many shares there are, up to 256
 * @throws ErasureParameterError
 * @throws ErasureKernelError when the kernel was not built, or this engine has no WebAssembly SIMD
 */
export function createErasureCode(options: {
  readonly required: number;
  readonly total: number;
  readonly implementation?: ErasureImplementation;
}): ErasureCode {
  const { required, total, implementation = 'simd' } = options;
  const interpolate = implementation === 'simd' ? interpolateWith(loadKernel()) : interpolatePlainly;
  return new SystematicCode(required, total, interpolate);
}
