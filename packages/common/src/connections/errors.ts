/** A SOCKS proxy could not be used, or did not do what was asked. The message holds no credential. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code = 'proxy';

  /**
   * @param endpoint the proxy, as in `connections.yaml`
   * @param stage whether the proxy itself could not be used, or said that it cannot reach the place
   */
  constructor(
    readonly endpoint: string,
    readonly stage: 'proxy' | 'beyond',
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`the SOCKS proxy at ${endpoint} ${reason}`, options);
  }
}
