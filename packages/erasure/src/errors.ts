/** No erasure code has these parameters. */
export class ErasureParameterError extends Error {
  override readonly name = 'ErasureParameterError';
  readonly code = 'impossible-parameters';

  constructor(
    readonly required: number,
    readonly total: number,
  ) {
    super(
      `there is no erasure code with required ${required} and total ${total}: ` +
        'expected whole numbers with 1 <= required <= total <= 256',
    );
  }
}

export type ErasureInputProblem =
  | { readonly code: 'wrong-block-count'; readonly found: number; readonly expected: number }
  | {
      readonly code: 'unequal-block-lengths';
      readonly index: number;
      readonly found: number;
      readonly expected: number;
    }
  | { readonly code: 'unknown-share-number'; readonly shareNumber: number; readonly total: number }
  | { readonly code: 'repeated-share-number'; readonly shareNumber: number };

/** `1 byte`, `2 bytes`. */
function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function describe(problem: ErasureInputProblem): string {
  switch (problem.code) {
    case 'wrong-block-count':
      return `found ${counted(problem.found, 'block')}, expected exactly ${problem.expected}`;
    case 'unequal-block-lengths':
      return (
        `found a block of ${counted(problem.found, 'byte')} at position ${problem.index}, ` +
        `expected ${counted(problem.expected, 'byte')}, as many as in the first block`
      );
    case 'unknown-share-number':
      return `found share number ${problem.shareNumber}, expected a whole number from 0 to ${problem.total - 1}`;
    case 'repeated-share-number':
      return `found share number ${problem.shareNumber} twice, expected different share numbers`;
  }
}

/** What was given to `encode` or `decode` cannot be encoded or decoded; `problem` says why, as data. */
export class ErasureInputError extends Error {
  override readonly name = 'ErasureInputError';
  readonly code: ErasureInputProblem['code'];

  constructor(readonly problem: ErasureInputProblem) {
    super(describe(problem));
    this.code = problem.code;
  }
}

/** The compiled kernel is not where it belongs, or this engine cannot run it. */
export class ErasureKernelError extends Error {
  override readonly name = 'ErasureKernelError';
  readonly code = 'kernel-unusable';

  constructor(
    readonly path: string,
    cause: unknown,
  ) {
    super(
      `cannot load the erasure kernel ${path} (made by "pnpm --filter @holdfast/erasure run build:kernel"): ${String(cause)}`,
      { cause },
    );
  }
}
