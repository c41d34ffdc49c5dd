import { describe, expect, it } from 'vitest';
import { ErasureInputError, type ErasureInputProblem, ErasureParameterError } from '../errors.js';
import { thrownBy } from './samples.js';
import type { CreateCode } from './subject.js';

function describeParameterRefusals(create: CreateCode): void {
  it.each([
    [0, 1],
    [-1, 3],
    [4, 3],
    [1, 257],
    [1.5, 3],
    [2, 3.5],
    [Number.NaN, 3],
    [1, Number.POSITIVE_INFINITY],
  ])('required %d with total %d', (required, total) => {
    const error = thrownBy(() => create(required, total));
    expect(error).toBeInstanceOf(ErasureParameterError);
    expect(error).toMatchObject({ code: 'impossible-parameters', required, total });
    expect(String(error)).toContain(`required ${required} and total ${total}`);
  });
}

/** Blocks of these lengths. */
function blocks(...lengths: number[]): Uint8Array[] {
  return lengths.map((length) => new Uint8Array(length));
}

/** Three-byte blocks of these shares. */
function shares(...shareNumbers: number[]): { shareNumber: number; block: Uint8Array }[] {
  return shareNumbers.map((shareNumber) => ({ shareNumber, block: new Uint8Array(3) }));
}

export function describeRefusals(create: CreateCode): void {
  describe('refuses', () => {
    describeParameterRefusals(create);

    function refuses(what: string, call: () => unknown, problem: ErasureInputProblem, message: string): void {
      it(what, () => {
        const error = thrownBy(call);
        expect(error).toBeInstanceOf(ErasureInputError);
        expect(error).toMatchObject({ code: problem.code, problem, message });
      });
    }

    const code = create(2, 4);
    const wrongCount = (found: number) => ({ code: 'wrong-block-count', found, expected: 2 }) as const;
    const unequal = { code: 'unequal-block-lengths', index: 1, found: 1, expected: 3 } as const;
    const unequalMessage =
      'found a block of 1 byte at position 1, expected 3 bytes, as many as in the first block';
    const unknown = (shareNumber: number) =>
      ({ code: 'unknown-share-number', shareNumber, total: 4 }) as const;
    const unknownMessage = (shareNumber: number) =>
      `found share number ${shareNumber}, expected a whole number from 0 to 3`;
    const repeated = { code: 'repeated-share-number', shareNumber: 3 } as const;
    const repeatedMessage = 'found share number 3 twice, expected different share numbers';

    for (const count of [0, 1, 3]) {
      const message = `found ${count} block${count === 1 ? '' : 's'}, expected exactly 2`;
      const lengths = Array(count).fill(3);
      refuses(`to encode ${count} blocks`, () => code.encode(blocks(...lengths)), wrongCount(count), message);
      const given = shares(...lengths.keys());
      refuses(`to decode ${count} blocks`, () => code.decode(given), wrongCount(count), message);
    }

    refuses('to encode unequal blocks', () => code.encode(blocks(3, 1)), unequal, unequalMessage);
    const [long, short] = [shares(0), [{ shareNumber: 3, block: new Uint8Array(1) }]];
    refuses('to decode unequal blocks', () => code.decode([...long, ...short]), unequal, unequalMessage);

    for (const number of [4, -1, 0.5, Number.NaN]) {
      const [problem, message] = [unknown(number), unknownMessage(number)];
      refuses(`to make share ${number}`, () => code.encode(blocks(3, 3), [0, number]), problem, message);
      refuses(`to take share ${number}`, () => code.decode(shares(0, number)), problem, message);
    }

    refuses('to make a share twice', () => code.encode(blocks(3, 3), [3, 3]), repeated, repeatedMessage);
    refuses('to take a share twice', () => code.decode(shares(3, 3)), repeated, repeatedMessage);
  });
}
