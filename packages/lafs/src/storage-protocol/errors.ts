/** Bytes that are not CBOR, or not such CBOR as the storage protocol knows. */
export class MalformedCborError extends Error {
  override readonly name = 'MalformedCborError';
  readonly code = 'malformed-cbor';

  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`malformed CBOR: ${reason}`, options);
  }
}

/** A message that is larger than its kind may be. `size` and `limit` are bytes. */
export class MessageTooLargeError extends Error {
  override readonly name = 'MessageTooLargeError';
  readonly code = 'message-too-large';

  constructor(
    readonly size: number,
    readonly limit: number,
  ) {
    super(`message too large: ${size} bytes, and ${limit} are the most`);
  }
}

/** Well-formed CBOR that is not the message it should be: which field, and what was expected there. */
export class UnexpectedMessageError extends Error {
  override readonly name = 'UnexpectedMessageError';
  readonly code = 'unexpected-message';

  constructor(
    readonly kind: string,
    readonly field: string,
    readonly expected: string,
  ) {
    super(`${kind}: ${field === '' ? '' : `${field}: `}expected ${expected}`);
  }
}

/** An HTTP header of the storage protocol that cannot be read. Its value is no part of the error: it may be a secret. */
export class MalformedHeaderError extends Error {
  override readonly name = 'MalformedHeaderError';
  readonly code = 'malformed-header';

  constructor(
    readonly header: string,
    readonly expected: string,
  ) {
    super(`${header}: expected ${expected}`);
  }
}
