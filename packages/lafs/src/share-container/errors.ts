/** A file that is no immutable share container, or a damaged one. */
export class MalformedContainerError extends Error {
  override readonly name = 'MalformedContainerError';

  constructor(
    readonly code: 'too-short' | 'unknown-version' | 'leases-do-not-fit',
    readonly expected: string,
  ) {
    super(`malformed share container: expected ${expected}`);
  }
}
