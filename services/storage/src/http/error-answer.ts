import {
  isRefusalReason,
  MalformedCborError,
  MalformedHeaderError,
  MessageTooLargeError,
  type RefusalReason,
  UnexpectedMessageError,
} from '@holdfast/lafs';
import { DamagedShareError } from '../damage/damage-in.js';
import { isDatabaseDown } from '../records/database-errors.js';
import { StorageError, type StorageErrorCode } from '../storage-error.js';

const statuses: Readonly<Record<StorageErrorCode, number>> = {
  unauthorized: 401,
  'account-frozen': 403,
  'unknown-path': 404,
  'wrong-method': 405,
  'not-acceptable': 406,
  'unsupported-media-type': 415,
  'no-such-share': 404,
  'no-such-upload': 404,
  'wrong-upload-secret': 401,
  'already-stored': 405,
  'range-outside-share': 416,
  'range-body-mismatch': 400,
  'body-incomplete': 400,
  'conflicting-write': 409,
  'too-fragmented': 400,
  'too-many-uploads': 429,
  'server-busy': 503,
  'quota-exceeded': 507,
  'disk-full': 507,
  'server-leaving': 507,
  'upload-failed': 500,
  'wrong-write-enabler': 401,
  'other-kind': 409,
  'share-damaged': 409,
  'share-going': 409,
  'share-too-large': 413,
  'too-many-shares': 400,
  'read-too-large': 413,
  'slot-busy': 503,
  'database-unavailable': 503,
  'not-ready': 503,
  'read-only': 503,
};

/** How an error is told to the client. */
export interface ErrorAnswer {
  readonly status: number;
  /** One line, without secrets. */
  readonly text: string;
  /** Whether it is our fault and belongs into the log. */
  readonly unexpected: boolean;
  /** Where it is one that clients of ours know by name. */
  readonly reason?: RefusalReason;
}

/** The one place where errors become HTTP. */
export function errorAnswer(error: unknown): ErrorAnswer {
  const told = (status: number) => ({ status, text: (error as Error).message, unexpected: false });
  if (error instanceof StorageError) {
    const { code } = error;
    return { ...told(statuses[code]), ...(isRefusalReason(code) ? { reason: code } : {}) };
  }
  if (error instanceof DamagedShareError) return told(404);
  if (error instanceof MessageTooLargeError) return told(413);
  if (error instanceof MalformedCborError || error instanceof UnexpectedMessageError) return told(400);
  if (error instanceof MalformedHeaderError) return told(/range$/i.test(error.header) ? 416 : 400);
  if (isDatabaseDown(error)) {
    return { status: 503, text: 'the lease database cannot be used just now', unexpected: true };
  }
  return { status: 500, text: 'internal error', unexpected: true };
}
