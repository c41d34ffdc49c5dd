import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeReadTestWriteAnswer,
  decodeReadTestWriteRequest,
  encodeCbor,
  encodeReadTestWriteAnswer,
  encodeReadTestWriteRequest,
  MalformedCborError,
  MessageTooLargeError,
  maximumCborItems,
  UnexpectedMessageError,
} from './index.js';

const data = fc.uint8Array({ maxLength: 100 }).map((bytes) => Uint8Array.from(bytes));
const vector = { offset: fc.maxSafeNat(), size: fc.maxSafeNat() };
const change = fc.record({
  test: fc.array(fc.record({ ...vector, specimen: data }), { maxLength: 30 }),
  write: fc.array(fc.record({ offset: fc.maxSafeNat(), data }), { maxLength: 40 }),
  newLength: fc.option(fc.maxSafeNat()),
});
const shareNumber = fc.nat(2 ** 31 - 1);
const request = fc.record({
  changes: fc.array(fc.tuple(shareNumber, change), { maxLength: 8 }).map((entries) => new Map(entries)),
  read: fc.array(fc.record(vector), { maxLength: 30 }),
});

describe('a read-test-write request', () => {
  it('round trips', () => {
    fc.assert(
      fc.property(request, (item) => {
        expect(decodeReadTestWriteRequest(encodeReadTestWriteRequest(item))).toEqual(item);
      }),
    );
  });

  it('is written as the peer writes it: share numbers are integers, and no length is null', () => {
    // Recorded from a Tahoe-LAFS 1.20 client's encoder (cbor2).
    const recorded = [
      'a272746573742d77726974652d766563746f7273a103a3647465737481a3666f6666736574006473697a650168',
      '73706563696d656e4065777269746581a2666f66667365740064646174614268696a6e65772d6c656e677468f6',
      '6b726561642d766563746f7281a2666f6666736574046473697a6505',
    ].join('');
    const decoded = decodeReadTestWriteRequest(Buffer.from(recorded, 'hex'));
    const expected = {
      changes: new Map([
        [
          3,
          {
            test: [{ offset: 0, size: 1, specimen: new Uint8Array() }],
            write: [{ offset: 0, data: Uint8Array.from(Buffer.from('hi')) }],
            newLength: null,
          },
        ],
      ]),
      read: [{ offset: 4, size: 5 }],
    };
    expect(decoded).toEqual(expected);
    expect(decodeReadTestWriteRequest(encodeReadTestWriteRequest(expected))).toEqual(expected);
  });

  const good = { test: [], write: [], 'new-length': null };
  const whole = (change: unknown, key: unknown = 0) => ({
    'test-write-vectors': new Map([[key, change]]),
    'read-vector': [],
  });
  const vectors = (count: number) => Array.from({ length: count }, () => ({ offset: 0, size: 1 }));
  it.each([
    ['no map', [], ': expected a map'],
    ['no read vector', { 'test-write-vectors': new Map() }, 'read-vector: expected an array of at most 30'],
    ['another field', { ...whole(good), more: 1 }, 'expected only test-write-vectors, read-vector'],
    ['an array for the shares', { 'test-write-vectors': [good], 'read-vector': [] }, 'share numbers'],
    ['a share number as text', whole(good, '0'), 'share numbers'],
    ['a negative share number', whole(good, -3), 'share numbers'],
    ['a share number past 2³¹', whole(good, 2 ** 31), 'share numbers'],
    [
      'too many shares',
      { ...whole(good), 'test-write-vectors': new Map(Array.from({ length: 257 }, (_, at) => [at, good])) },
      'at most 256',
    ],
    ['no new length', whole({ test: [], write: [] }), 'new-length: expected an unsigned integer or null'],
    ['a negative new length', whole({ ...good, 'new-length': -1 }), 'test-write-vectors.0.new-length'],
    ['no writes', whole({ test: [], 'new-length': null }), 'test-write-vectors.0.write: expected an array'],
    ['text to write', whole({ ...good, write: [{ offset: 0, data: 'x' }] }), 'write.0.data'],
    ['a fraction as an offset', whole({ ...good, write: [{ offset: 0.5, data: Buffer.of() }] }), 'offset'],
    ['a test without specimen', whole({ ...good, test: [{ offset: 0, size: 1 }] }), 'test.0.specimen'],
    [
      'a test with an operator',
      whole({ ...good, test: [{ offset: 0, size: 1, operator: 'eq', specimen: Buffer.of() }] }),
      'only offset, size, specimen',
    ],
    [
      'too many tests',
      whole({ ...good, test: vectors(31).map((each) => ({ ...each, specimen: Buffer.of() })) }),
      'test: expected an array of at most 30',
    ],
    ['too many reads', { ...whole(good), 'read-vector': vectors(31) }, 'read-vector'],
  ])('%s: says so', (_, message, complaint) => {
    const decode = () => decodeReadTestWriteRequest(encodeCbor(message));
    expect(decode).toThrow(UnexpectedMessageError);
    expect(decode).toThrow(complaint);
  });

  it('takes offsets, sizes and lengths past every share as the largest number', () => {
    const huge = 2n ** 64n - 1n;
    const message = {
      'test-write-vectors': new Map([
        [
          0,
          {
            test: [{ offset: huge, size: huge, specimen: Buffer.of() }],
            write: [{ offset: huge, data: Buffer.of() }],
            'new-length': huge,
          },
        ],
      ]),
      'read-vector': [{ offset: huge, size: huge }],
    };
    const most = Number.MAX_SAFE_INTEGER;
    const { changes, read } = decodeReadTestWriteRequest(encodeCbor(message));
    expect(changes.get(0)).toMatchObject({
      test: [{ offset: most, size: most }],
      write: [{ offset: most }],
      newLength: most,
    });
    expect(read).toEqual([{ offset: most, size: most }]);
  });

  it('gives nothing but its own errors when some bytes are changed', () => {
    fc.assert(
      fc.property(request, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1 }), (item, changes) => {
        const bytes = Uint8Array.from(encodeReadTestWriteRequest(item));
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        try {
          decodeReadTestWriteRequest(bytes);
        } catch (error) {
          expect([MalformedCborError, UnexpectedMessageError]).toContain((error as Error).constructor);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('has a limit in bytes, and in items whatever its bytes', () => {
    const large = encodeReadTestWriteRequest({
      changes: new Map([
        [0, { test: [], write: [{ offset: 0, data: new Uint8Array(2 ** 21) }], newLength: null }],
      ]),
      read: [],
    });
    expect(() => decodeReadTestWriteRequest(large)).toThrow(MessageTooLargeError);
    expect(decodeReadTestWriteRequest(large, 2 ** 22).changes.size).toBe(1);
    const items = Buffer.concat([Buffer.from('9a', 'hex'), Buffer.alloc(4), Buffer.alloc(maximumCborItems)]);
    items.writeUInt32BE(maximumCborItems, 1);
    expect(() => decodeReadTestWriteRequest(items)).toThrow(/more than \d+ items/);
  });
});

describe('a read-test-write answer', () => {
  it('round trips', () => {
    const answer = fc.record({
      success: fc.boolean(),
      data: fc
        .array(fc.tuple(shareNumber, fc.array(data, { maxLength: 5 })), { maxLength: 8 })
        .map((entries) => new Map(entries)),
    });
    fc.assert(
      fc.property(answer, (item) => {
        expect(decodeReadTestWriteAnswer(encodeReadTestWriteAnswer(item))).toEqual(item);
      }),
    );
  });

  it.each([
    ['no truth value', { success: 1, data: new Map() }, 'success: expected true or false'],
    [
      'text that was read',
      { success: true, data: new Map([[1, ['x']]]) },
      'data.1: expected an array of byte',
    ],
  ])('%s: says so', (_, message, complaint) => {
    expect(() => decodeReadTestWriteAnswer(encodeCbor(message))).toThrow(complaint);
  });
});
