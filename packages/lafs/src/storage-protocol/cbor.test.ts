import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeCbor,
  encodeCbor,
  MalformedCborError,
  MessageTooLargeError,
  maximumCborDepth,
} from './index.js';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('encodeCbor', () => {
  it('writes what the peer writes for sets, byte-string keys and large integers', () => {
    // Recorded from cbor2, which Tahoe-LAFS 1.20 uses.
    expect(Buffer.from(encodeCbor({ 'already-have': new Set([1, 2]), x: new Set() }))).toEqual(
      hex('a2 6178 d90102 80 6c616c72656164792d68617665 d90102 82 01 02'),
    );
    const nested = new Map([[Buffer.from('a'), new Map([[Buffer.from('b'), 2n ** 56n]])]]);
    expect(Buffer.from(encodeCbor(nested))).toEqual(hex('a1 4161 a1 4162 1b 0100000000000000'));
  });

  it('writes sizes past 2³² as integers', () => {
    expect(Buffer.from(encodeCbor(2 ** 40))).toEqual(hex('1b 0000010000000000'));
  });
});

describe('decodeCbor', () => {
  const scalar = fc.oneof(
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.string(),
    fc.uint8Array().map((bytes) => Uint8Array.from(bytes)),
    fc.boolean(),
    fc.constant(null),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      scalar,
      fc.array(tie('value'), { maxLength: 5 }),
      fc.uniqueArray(fc.nat(), { maxLength: 5 }).map((items) => new Set(items)),
      fc
        .dictionary(fc.string(), tie('value'), { maxKeys: 5 })
        .map((object) => new Map(Object.entries(object))),
    ),
  }));

  it('reads what encodeCbor writes', () => {
    fc.assert(
      fc.property(value, (item) => {
        expect(decodeCbor(encodeCbor(item))).toEqual(item);
      }),
    );
  });

  it('gives nothing but its own errors for arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeCbor(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedCborError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives nothing but its own errors for a message with some bytes changed', () => {
    fc.assert(
      fc.property(value, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1 }), (item, changes) => {
        const bytes = Uint8Array.from(encodeCbor(item));
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        try {
          decodeCbor(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedCborError);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['nothing at all', ''],
    ['bytes after the item', '01 01'],
    ['an integer longer than needed', '18 01'],
    ['an indefinite array', '9f 01 ff'],
    ['an indefinite byte string', '5f 41 00 ff'],
    ['a map with a key twice', 'a2 6161 01 6161 02'],
    ['an unknown tag', 'c1 01'],
    ['a set that holds no array', 'd90102 01'],
    ['a set with a member twice', 'd90102 82 01 01'],
    ['an array that claims 2⁶³ items', '9b 8000000000000000'],
    ['a byte string that claims 2⁶³ bytes', '5b 8000000000000000'],
    ['undefined', 'f7'],
    ['not a number', 'f9 7e00'],
    ['an item cut short', '82 01'],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeCbor(hex(bytes))).toThrow(MalformedCborError);
  });

  it('refuses deep nesting before it can exhaust the stack', () => {
    expect(decodeCbor(hex(`${'81'.repeat(maximumCborDepth - 1)}80`))).toBeInstanceOf(Array);
    expect(() => decodeCbor(hex(`${'81'.repeat(maximumCborDepth)}80`))).toThrow(MalformedCborError);
    expect(() => decodeCbor(hex(`${'81'.repeat(500_000)}80`))).toThrow(/nested/);
    expect(() => decodeCbor(hex(`${'d90102'.repeat(200_000)}80`))).toThrow(/nested/);
  });

  it('refuses a message over its limit, saying both sizes', () => {
    expect(() => decodeCbor(new Uint8Array(101), 100)).toThrow(MessageTooLargeError);
    expect(() => decodeCbor(new Uint8Array(101), 100)).toThrow('101 bytes, and 100 are the most');
  });
});
