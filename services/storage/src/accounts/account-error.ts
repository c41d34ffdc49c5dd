/** Why something cannot be done with an account. */
export type AccountErrorCode =
  | 'bad-name'
  | 'name-taken'
  | 'no-such-account'
  | 'fixed-account'
  | 'revoked'
  | 'no-secret'
  | 'no-servers'
  | 'not-keeper'
  | 'unreadable-secret';

/** Something that cannot be done with an account; the message says why in one line, without any secret. */
export class AccountError extends Error {
  override readonly name = 'AccountError';

  constructor(
    readonly code: AccountErrorCode,
    readonly account: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
