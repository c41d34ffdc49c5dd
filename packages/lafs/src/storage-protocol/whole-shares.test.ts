import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCbor } from './cbor.js';
import { UnexpectedMessageError } from './errors.js';
import {
  decodeSharesAnswer,
  decodeStoreAnswer,
  decodeStoreRequest,
  encodeSharesAnswer,
  encodeStoreAnswer,
  encodeStoreRequest,
  largestWholeShare,
} from './whole-shares.js';

const shareNumbers = fc.uniqueArray(fc.nat(255), { minLength: 1, maxLength: 10 });

describe('whole shares', () => {
  it('are stored and read back as they were', () => {
    fc.assert(
      fc.property(shareNumbers, fc.uint8Array({ maxLength: 100 }), (numbers, data) => {
        const shares = new Map(numbers.map((number) => [number, data]));
        expect(decodeStoreRequest(encodeStoreRequest(shares))).toEqual(shares);
        const answer = { shares, others: new Set(numbers) };
        expect(decodeSharesAnswer(encodeSharesAnswer(answer))).toEqual(answer);
      }),
    );
  });

  it('are answered for by number', () => {
    const answer = { alreadyHave: new Set([1, 2]), stored: new Set([255]) };
    expect(decodeStoreAnswer(encodeStoreAnswer(answer))).toEqual(answer);
  });

  it.each([
    ['no shares', new Map()],
    [
      'shares of two sizes',
      new Map([
        [0, new Uint8Array(1)],
        [1, new Uint8Array(2)],
      ]),
    ],
    ['a share that is too large', new Map([[0, new Uint8Array(largestWholeShare + 1)]])],
    ['a share that is text', new Map([[0, 'share']])],
    ['a number that is text', new Map([['0', new Uint8Array(1)]])],
    ['a number below zero', new Map([[-1, new Uint8Array(1)]])],
    ['an array', [new Uint8Array(1)]],
  ])('are refused: %s', (_, shares) => {
    expect(() => decodeStoreRequest(encodeCbor({ shares }))).toThrow(UnexpectedMessageError);
  });
});
