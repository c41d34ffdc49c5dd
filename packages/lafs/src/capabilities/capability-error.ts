/**
 * A text that is not a capability we can work with. It never carries the text: a capability with one
 * letter wrong is still nearly a secret. `kind` is one of the prefixes that Tahoe-LAFS is known to use.
 */
export class CapabilityError extends Error {
  override readonly name = 'CapabilityError';

  constructor(
    /** `malformed`: no capability at all. `unknown-kind`: one of a kind that is not supported. */
    readonly code: 'malformed' | 'unknown-kind',
    message: string,
    /** For instance `URI:SSK-RO:`; undefined where the prefix is not a known one. */
    readonly kind?: string,
  ) {
    super(message);
  }
}
