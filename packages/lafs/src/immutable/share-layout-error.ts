/** A share whose bytes do not have the form of a share. It says nothing about the file: try another share. */
export class ShareLayoutError extends Error {
  override readonly name = 'ShareLayoutError';

  constructor(
    /** `truncated`: too few bytes. `unknown-version`: neither 1 nor 2. `malformed`: everything else. */
    readonly code: 'truncated' | 'unknown-version' | 'malformed',
    message: string,
  ) {
    super(`share layout: ${message}`);
  }
}
