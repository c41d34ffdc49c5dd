import { randomBytes } from 'node:crypto';
import { base32Encode, formatCapability, storageIndexOf, verifyCapabilityOf } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { formatRepairFile, NotRepairableError, parseRepairFile } from './repair-file.js';

const read = {
  kind: 'CHK' as const,
  key: new Uint8Array(randomBytes(16)),
  uriExtensionHash: new Uint8Array(randomBytes(32)),
  required: 3,
  total: 10,
  size: 1_000,
};
const verify = { ...verifyCapabilityOf(read), storageIndex: new Uint8Array(storageIndexOf(read)) };

function refusalOf(text: string): NotRepairableError {
  try {
    parseRepairFile(text);
  } catch (error) {
    if (error instanceof NotRepairableError) return error;
    throw error;
  }
  throw new Error('was taken');
}

describe('what names a file to repair', () => {
  it('is a verify capability', () => {
    expect(parseRepairFile(formatCapability(verify))).toEqual(verify);
  });

  it('is a read capability, of which only the verify capability is kept', () => {
    const file = parseRepairFile(formatCapability(read));
    expect(formatRepairFile(file)).toBe(formatCapability(verify));
    expect(formatRepairFile(file)).not.toContain(base32Encode(read.key));
  });

  it('is a storage index', () => {
    const text = base32Encode(verify.storageIndex);
    expect(parseRepairFile(text)).toEqual({
      kind: 'storage-index',
      storageIndex: new Uint8Array(verify.storageIndex),
    });
    expect(formatRepairFile(parseRepairFile(text))).toBe(text);
  });

  it.each([
    ['', 'malformed'],
    ['nonsense', 'malformed'],
    ['a'.repeat(25), 'malformed'],
    [`${'a'.repeat(25)}b`, 'malformed'],
    [formatCapability(read).slice(0, -8), 'malformed'],
    [`${formatCapability(verify)}\n`, 'malformed'],
    ['URI:LIT:mfrgg', 'literal'],
    [`URI:SSK:${'a'.repeat(26)}:${'a'.repeat(52)}`, 'unsupported'],
    [`URI:DIR2:${'a'.repeat(26)}:${'a'.repeat(52)}`, 'unsupported'],
  ])('is not %j: %s', (text, code) => {
    const error = refusalOf(text);
    expect(error.code).toBe(code);
    if (text !== '') expect(JSON.stringify([error, error.message, error.stack])).not.toContain(text);
  });
});
