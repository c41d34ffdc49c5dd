import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeAllocateAnswer,
  decodeAllocateRequest,
  decodeCorruptionReport,
  decodeServerVersion,
  decodeShareNumbers,
  decodeWriteAnswer,
  encodeAllocateAnswer,
  encodeAllocateRequest,
  encodeCbor,
  encodeCorruptionReport,
  encodeServerVersion,
  encodeShareNumbers,
  encodeWriteAnswer,
  MessageTooLargeError,
  maximumCorruptionReportSize,
  UnexpectedMessageError,
} from './index.js';

const shareNumbers = fc
  .uniqueArray(fc.nat(2 ** 31 - 1), { maxLength: 256 })
  .map((numbers) => new Set(numbers));
const size = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe('round trips', () => {
  it('version', () => {
    const version = fc.record({
      maximumImmutableShareSize: size,
      maximumMutableShareSize: size,
      availableSpace: size,
      applicationVersion: fc.string(),
    });
    fc.assert(
      fc.property(version, (item) => {
        expect(decodeServerVersion(encodeServerVersion(item))).toEqual(item);
      }),
    );
  });

  it('allocate request and answer', () => {
    const request = fc.record({ shareNumbers, allocatedSize: fc.maxSafeNat() });
    fc.assert(
      fc.property(request, (item) => {
        expect(decodeAllocateRequest(encodeAllocateRequest(item))).toEqual(item);
      }),
    );
    const answer = fc.record({ alreadyHave: shareNumbers, allocated: shareNumbers });
    fc.assert(
      fc.property(answer, (item) => {
        expect(decodeAllocateAnswer(encodeAllocateAnswer(item))).toEqual(item);
      }),
    );
  });

  it('write answer', () => {
    const range = fc
      .tuple(fc.maxSafeNat(), fc.maxSafeNat())
      .map(([a, b]) => ({ begin: Math.min(a, b), end: Math.max(a, b) }));
    fc.assert(
      fc.property(fc.array(range), (item) => {
        expect(decodeWriteAnswer(encodeWriteAnswer(item))).toEqual(item);
      }),
    );
  });

  it('share numbers', () => {
    fc.assert(
      fc.property(shareNumbers, (item) => {
        expect(decodeShareNumbers(encodeShareNumbers(item))).toEqual(item);
      }),
    );
  });

  it('corruption report', () => {
    expect(decodeCorruptionReport(encodeCorruptionReport('hash ≠'))).toBe('hash ≠');
    const longest = 'x'.repeat(maximumCorruptionReportSize - 11);
    expect(decodeCorruptionReport(encodeCorruptionReport(longest))).toBe(longest);
  });
});

describe('a version message', () => {
  it('may have text keys, as the document shows it, and more than we know', () => {
    const message = {
      'http://allmydata.org/tahoe/protocols/storage/v1': {
        'maximum-immutable-share-size': 5,
        'maximum-mutable-share-size': 69_105_000_000_000_000n,
        'available-space': 7,
        'something-new': true,
      },
      'application-version': Buffer.from('tahoe-lafs/1.20.0'),
    };
    expect(decodeServerVersion(encodeCbor(message))).toEqual({
      maximumImmutableShareSize: 5n,
      maximumMutableShareSize: 69_105_000_000_000_000n,
      availableSpace: 7n,
      applicationVersion: 'tahoe-lafs/1.20.0',
    });
  });
});

describe('an allocate request of the wrong shape', () => {
  const good = { 'share-numbers': new Set([1]), 'allocated-size': 10 };
  it.each([
    ['no map', [1], ': expected a map'],
    ['an array for the set', { ...good, 'share-numbers': [1] }, 'share-numbers: expected a set (tag 258)'],
    ['a negative share number', { ...good, 'share-numbers': new Set([-1]) }, 'share-numbers'],
    ['text for a share number', { ...good, 'share-numbers': new Set(['1']) }, 'share-numbers'],
    ['too many shares', { ...good, 'share-numbers': new Set(Array(257).keys()) }, 'at most 256'],
    ['no size', { 'share-numbers': new Set([1]) }, 'allocated-size: expected an unsigned integer'],
    ['a negative size', { ...good, 'allocated-size': -1 }, 'allocated-size'],
    ['a fraction', { ...good, 'allocated-size': 1.5 }, 'allocated-size'],
    ['another field', { ...good, more: 1 }, 'expected only share-numbers, allocated-size'],
    ['a number for a key', new Map([[1, 2]]), 'text keys only'],
  ])('%s: says so', (_, message, complaint) => {
    const decode = () => decodeAllocateRequest(encodeCbor(message));
    expect(decode).toThrow(UnexpectedMessageError);
    expect(decode).toThrow(complaint);
  });

  it('takes a size past every disk as the largest number', () => {
    const huge = decodeAllocateRequest(encodeCbor({ ...good, 'allocated-size': 2n ** 63n }));
    expect(huge.allocatedSize).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('a corruption report', () => {
  it('has a reason of at least one byte, and a size limit of its own', () => {
    expect(() => decodeCorruptionReport(encodeCorruptionReport(''))).toThrow(
      'reason: expected text of 1 to 32765',
    );
    const huge = encodeCorruptionReport('x'.repeat(maximumCorruptionReportSize));
    expect(() => decodeCorruptionReport(huge)).toThrow(MessageTooLargeError);
  });
});
