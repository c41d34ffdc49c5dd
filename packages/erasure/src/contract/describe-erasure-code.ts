import { describe } from 'vitest';
import { createErasureCode, type ErasureImplementation } from '../create-erasure-code.js';
import { describeDecoding } from './decoding.js';
import { describeEncoding } from './encoding.js';
import { describeRefusals } from './refusals.js';
import type { CreateCode } from './subject.js';
import { describeAgreementWithZfec } from './zfec.js';

/** Tests of everything that every implementation of the erasure code must do. */
export function describeErasureCode(implementation: ErasureImplementation): void {
  const create: CreateCode = (required, total) => createErasureCode({ required, total, implementation });

  describe(`the ${implementation} erasure code`, () => {
    describeAgreementWithZfec(create);
    describeEncoding(create);
    describeDecoding(create);
    describeRefusals(create);
  });
}
