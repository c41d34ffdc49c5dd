/** A file that is no share container of the kind that was expected, or a damaged one. */
export class MalformedContainerError extends Error {
  override readonly name = 'MalformedContainerError';

  constructor(
    /** `other-kind`: nothing is wrong with it, but it holds a mutable share where an immutable one was expected. */
    readonly code: 'too-short' | 'unknown-version' | 'other-kind' | 'data-does-not-fit' | 'leases-do-not-fit',
    readonly expected: string,
  ) {
    super(`malformed share container: expected ${expected}`);
  }
}
