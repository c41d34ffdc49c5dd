import type { ErasureCode } from '../erasure-code.js';

/** Makes a code of the implementation under test. */
export type CreateCode = (required: number, total: number) => ErasureCode;
