export { copyBytes } from './copy-bytes.js';
export { createErasureCode, type ErasureImplementation } from './create-erasure-code.js';
export type { ErasureCode, NumberedBlock } from './erasure-code.js';
export {
  ErasureInputError,
  type ErasureInputProblem,
  ErasureKernelError,
  ErasureParameterError,
} from './errors.js';
