import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { base32Encode } from '../base32.js';
import { fromHex, readFixture, toHex } from '../testing/fixtures.js';
import {
  type Capability,
  type ChkReadCapability,
  type ChkVerifyCapability,
  literalMaximumSize,
  storageIndexOf,
  verifyCapabilityOf,
} from './capability.js';
import { CapabilityError } from './capability-error.js';
import { formatCapability } from './format-capability.js';
import { parseCapability } from './parse-capability.js';

interface RecordedChk {
  readonly text: string;
  readonly kind: 'CHK';
  readonly key: string;
  readonly storageIndex: string;
  readonly uriExtensionHash: string;
  readonly required: number;
  readonly total: number;
  readonly size: number;
  readonly verifyCapability: string;
}
interface RecordedLiteral {
  readonly text: string;
  readonly kind: 'LIT';
  readonly data: string;
}
const recorded = readFixture<{
  capabilities: (RecordedChk | RecordedLiteral)[];
  unsupported: string[];
  refused: string[];
}>('capabilities.json');
const files = recorded.capabilities.filter((each) => each.kind === 'CHK');
const literals = recorded.capabilities.filter((each) => each.kind === 'LIT');

function errorOf(text: string): CapabilityError {
  try {
    parseCapability(text);
  } catch (error) {
    if (error instanceof CapabilityError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('capabilities of immutable files, as the peer writes them', () => {
  test.each(files)('read: $required-of-$total, $size bytes', (each) => {
    const { required, total, size } = each;
    const expected: ChkReadCapability = {
      kind: 'CHK',
      key: fromHex(each.key),
      uriExtensionHash: fromHex(each.uriExtensionHash),
      required,
      total,
      size,
    };
    expect(parseCapability(each.text)).toEqual(expected);
    expect(formatCapability(expected)).toBe(each.text);
    expect(toHex(storageIndexOf(expected))).toBe(each.storageIndex);
  });

  test.each(files)('verify: $required-of-$total, $size bytes', (each) => {
    const read = parseCapability(each.text) as ChkReadCapability;
    const verify = verifyCapabilityOf(read);
    expect(formatCapability(verify)).toBe(each.verifyCapability);
    const parsed = parseCapability(each.verifyCapability) as ChkVerifyCapability;
    expect(toHex(storageIndexOf(parsed))).toBe(each.storageIndex);
    const { key, kind, ...common } = read;
    expect(parsed).toMatchObject({ ...common, kind: `${kind}-Verifier` });
    expect(each.verifyCapability).not.toContain(base32Encode(key));
  });

  test.each(literals)('literal: $text', ({ text, data }) => {
    const capability: Capability = { kind: 'LIT', data: fromHex(data) };
    expect(parseCapability(text)).toEqual(capability);
    expect(formatCapability(capability)).toBe(text);
  });

  test('every capability comes back as it was', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const short = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const numbers = fc.integer({ min: 1, max: 256 }).chain((total) =>
      fc.record({
        required: fc.integer({ min: 1, max: total }),
        total: fc.constant(total),
        size: fc.maxSafeNat(),
      }),
    );
    const capability: fc.Arbitrary<Capability> = fc.oneof(
      fc.uint8Array({ maxLength: literalMaximumSize }).map((data) => ({ kind: 'LIT' as const, data })),
      fc.tuple(short, hash, numbers).map(([key, uriExtensionHash, rest]) => ({
        kind: 'CHK' as const,
        key,
        uriExtensionHash,
        ...rest,
      })),
      fc.tuple(short, hash, numbers).map(([storageIndex, uriExtensionHash, rest]) => ({
        kind: 'CHK-Verifier' as const,
        storageIndex,
        uriExtensionHash,
        ...rest,
      })),
    );
    fc.assert(
      fc.property(capability, (each) => {
        expect(parseCapability(formatCapability(each))).toEqual(each);
      }),
    );
  });
});

describe('texts that are no capability of ours', () => {
  test.each(recorded.refused)('what the peer refuses: %j', (text) => {
    expect(['malformed', 'unknown-kind']).toContain(errorOf(text).code);
  });

  test.each(recorded.unsupported)('a kind of the peer that is not supported is named: %s', (text) => {
    const { code, kind, message } = errorOf(text);
    expect(code).toBe('unknown-kind');
    expect(text.startsWith(kind!)).toBe(true);
    expect(message).toContain(kind);
  });

  test('a kind that nobody knows is unknown, without its name', () => {
    const error = errorOf('URI:SECRETSECRET:abc');
    expect(error).toMatchObject({ code: 'unknown-kind', kind: undefined });
    expect(error.message).not.toContain('SECRET');
  });

  const [file] = files;
  const fields = file!.text.split(':');
  const withField = (index: number, value: string) => fields.with(index, value).join(':');
  test.each([
    ['no shares needed', withField(4, '0')],
    ['more shares needed than made', withField(4, '2')],
    ['more than 256 shares', withField(5, '257')],
    ['a size past 2^53', withField(6, '9007199254740992')],
    ['a leading zero', withField(6, '01')],
    ['a line end', `${file!.text}\n`],
    ['a short hash', withField(3, fields[3]!.slice(1))],
    ['stray bits in the key', withField(2, `${fields[2]!.slice(0, -1)}b`)],
  ])('%s', (_, text) => {
    expect(errorOf(text).code).toBe('malformed');
  });

  test('no error carries any of the text', () => {
    const secrets = [...recorded.capabilities.map(({ text }) => text), ...recorded.unsupported];
    const damaged = secrets.flatMap((text) => [`${text}!`, text.replace('URI:', 'URI::'), ` ${text}`]);
    for (const text of [...damaged, ...recorded.unsupported]) {
      const told = JSON.stringify([errorOf(text), errorOf(text).message, errorOf(text).stack]);
      for (const part of text.split(':').filter((each) => each.length > 20)) {
        expect(told).not.toContain(part);
      }
    }
  });
});
