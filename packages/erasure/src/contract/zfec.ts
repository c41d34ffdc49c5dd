import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sampleBlocks } from './samples.js';
import type { CreateCode } from './subject.js';

interface RecordedCase {
  readonly required: number;
  readonly total: number;
  readonly length: number;
  readonly sha256: string;
}

/** What zfec made of the same blocks: see `fixtures/generate.py`. */
const recordedCases: RecordedCase[] = JSON.parse(
  readFileSync(new URL('../../fixtures/zfec.json', import.meta.url), 'utf8'),
);

export function describeAgreementWithZfec(create: CreateCode): void {
  describe('makes the blocks that zfec makes', () => {
    it.each(recordedCases)(
      'at $required-of-$total with $length bytes',
      ({ required, total, length, sha256 }) => {
        const primary = sampleBlocks(`${required}/${total}/${length}`, required, length);
        const blocks = create(required, total).encode(primary);
        expect(createHash('sha256').update(Buffer.concat(blocks)).digest('hex')).toBe(sha256);
      },
    );
  });
}
