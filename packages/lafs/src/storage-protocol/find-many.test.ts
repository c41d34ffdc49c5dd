import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCbor, maximumMessageSize } from './cbor.js';
import { MessageTooLargeError, UnexpectedMessageError } from './errors.js';
import {
  decodeFindAnswer,
  decodeFindRequest,
  encodeFindAnswer,
  encodeFindRequest,
  longestFindAnswer,
  maximumFindRequestSize,
  mostFilesAsked,
} from './find-many.js';
import { largestWholeShare, mostWholeShareBytes } from './whole-shares.js';

const storageIndex = new Uint8Array(16).fill(255);
const shareNumber = fc.nat(255);

describe('finding many files', () => {
  it('is asked and answered for each in their order', () => {
    const question = fc.record({
      storageIndex: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      most: fc.nat(mostWholeShareBytes),
    });
    const answer = fc.record({
      shares: fc.uniqueArray(shareNumber).map((them) => new Map(them.map((each) => [each, storageIndex]))),
      others: fc.uniqueArray(shareNumber).map((them) => new Set(them)),
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(question, fc.option(answer)), { minLength: 1, maxLength: 20 }),
        (files) => {
          const questions = files.map(([each]) => each);
          const answers = files.map(([, each]) => each);
          expect(decodeFindRequest(encodeFindRequest(questions))).toEqual(questions);
          expect(decodeFindAnswer(encodeFindAnswer(answers), answers.length)).toEqual(answers);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('fits into its limits, however many are asked for', () => {
    const questions = Array.from({ length: mostFilesAsked }, () => ({
      storageIndex,
      most: mostWholeShareBytes,
    }));
    expect(encodeFindRequest(questions).length).toBeLessThan(maximumFindRequestSize);
    expect(longestFindAnswer(questions)).toBeLessThan(maximumMessageSize);
    const numbers = Array.from({ length: 256 }, (_, index) => 2 ** 31 - 1 - index);
    const full = { shares: new Map([[0, new Uint8Array(largestWholeShare)]]), others: new Set(numbers) };
    const one = [{ storageIndex, most: largestWholeShare }];
    expect(encodeFindAnswer([full]).length).toBeLessThanOrEqual(longestFindAnswer(one));
    const split = new Map(numbers.map((number) => [number, new Uint8Array(0)]));
    const none = [{ storageIndex, most: 0 }];
    expect(encodeFindAnswer([{ shares: split, others: new Set() }]).length).toBeLessThanOrEqual(
      longestFindAnswer(none),
    );
  });

  it.each([
    ['no files', { files: [] }],
    ['too many files', { files: Array.from({ length: mostFilesAsked + 1 }, () => [storageIndex, 0]) }],
    ['a storage index that is too short', { files: [[storageIndex.subarray(1), 0]] }],
    ['a storage index that is text', { files: [['a'.repeat(16), 0]] }],
    ['a negative number', { files: [[storageIndex, -1]] }],
    ['too large a number', { files: [[storageIndex, mostWholeShareBytes + 1]] }],
    ['half a number', { files: [[storageIndex, 0.5]] }],
    ['no number', { files: [[storageIndex]] }],
    ['more than that', { files: [[storageIndex, 0, 0]] }],
    ['a file that is a map', { files: [{ storageIndex, most: 0 }] }],
    ['files that are none', { files: 3 }],
    ['another field', { files: [[storageIndex, 0]], also: 1 }],
    ['an array', [[storageIndex, 0]]],
  ])('is refused: %s', (_, message) => {
    expect(() => decodeFindRequest(encodeCbor(message))).toThrow(UnexpectedMessageError);
  });

  it('is refused where it is too long to be a question', () => {
    expect(() => decodeFindRequest(new Uint8Array(maximumFindRequestSize + 1))).toThrow(MessageTooLargeError);
  });

  it.each([
    ['fewer answers than questions', { files: [null] }],
    ['more answers than questions', { files: [null, null, null] }],
    ['an answer that is a number', { files: [null, 1] }],
    ['an answer that is short', { files: [null, [new Map()]] }],
    ['shares that are a set', { files: [null, [new Set(), new Set()]] }],
    ['numbers that are a list', { files: [null, [new Map(), []]] }],
    ['a share number that is text', { files: [null, [new Map([['0', storageIndex]]), new Set()]] }],
    ['a share that is too large', { files: [null, [new Map([[0, new Uint8Array(65_537)]]), new Set()]] }],
  ])('has an answer that is not believed: %s', (_, message) => {
    expect(() => decodeFindAnswer(encodeCbor(message), 2)).toThrow(UnexpectedMessageError);
  });
});
