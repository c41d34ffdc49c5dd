/** A URI extension block that cannot be used. `key` is the entry at fault, where there is one. */
export class UriExtensionError extends Error {
  override readonly name = 'UriExtensionError';

  constructor(
    /**
     * `malformed`: not a sequence of `key:length:value,`. `missing-field`, `bad-value`: one entry.
     * `inconsistent`: its entries contradict each other or the capability.
     */
    readonly code: 'malformed' | 'missing-field' | 'bad-value' | 'inconsistent',
    message: string,
    readonly key?: string,
  ) {
    super(`URI extension block: ${message}`);
  }
}
