/** What can be wrong with a request to store or read, apart from its form. */
export type StorageErrorCode =
  | 'unauthorized'
  | 'account-frozen'
  | 'unknown-path'
  | 'wrong-method'
  | 'not-acceptable'
  | 'unsupported-media-type'
  | 'no-such-share'
  | 'no-such-upload'
  | 'wrong-upload-secret'
  | 'already-stored'
  | 'range-outside-share'
  | 'range-body-mismatch'
  | 'body-incomplete'
  | 'conflicting-write'
  | 'too-fragmented'
  | 'too-many-uploads'
  | 'server-busy'
  | 'quota-exceeded'
  | 'disk-full'
  | 'server-leaving'
  | 'upload-failed'
  | 'wrong-write-enabler'
  | 'other-kind'
  | 'share-damaged'
  | 'share-going'
  | 'share-too-large'
  | 'too-many-shares'
  | 'read-too-large'
  | 'slot-busy'
  | 'database-unavailable'
  | 'not-ready'
  | 'read-only';

/** A request that could not be done. Becomes an HTTP status in http/error-answer.ts; holds no secret. */
export class StorageError extends Error {
  override readonly name = 'StorageError';

  constructor(
    readonly code: StorageErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
