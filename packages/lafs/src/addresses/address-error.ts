/** A FURL or NURL that cannot be used. It never carries the text, whose last part is a secret. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
  readonly code = 'malformed-address';

  constructor(
    readonly kind: 'FURL' | 'NURL',
    expected: string,
  ) {
    super(`malformed ${kind}: expected ${expected}`);
  }
}
