import type { IncomingMessage } from 'node:http';
import {
  parseAuthorization,
  type RouteName,
  refusalReasons,
  secretsHeader,
  storageRoutes,
} from '@holdfast/lafs';
import type { Credentials } from '../accounts/credentials.js';
import type { Account } from '../records/accounts.js';
import { StorageError } from '../storage-error.js';

const secretsHeaderName = secretsHeader.toLowerCase();

/** @throws StorageError `unauthorized` */
export function authorize(request: IncomingMessage, credentials: Credentials): Account {
  const account = credentials.find(parseAuthorization(request.headers.authorization));
  if (!account) throw new StorageError('unauthorized', 'wrong Authorization header');
  return account;
}

/**
 * Lets pass what an account may do in its state.
 *
 * @throws StorageError `account-frozen`
 */
export function permit({ state }: Account, route: RouteName): void {
  if (state === 'frozen' && storageRoutes[route].writes) {
    throw new StorageError('account-frozen', refusalReasons['account-frozen']);
  }
}

/** Requests besides those that store something that need records to be right: what they write would be lost. */
const alsoChanging: readonly RouteName[] = [
  'renewLease',
  'abortUpload',
  'reportCorruption',
  'reportMutableCorruption',
];

/**
 * Lets pass what may be done while the records of this server are not to be relied on: reading and listing.
 *
 * @param problem why they are not; undefined where they are
 * @throws StorageError `read-only`
 */
export function permitWithout(problem: string | undefined, route: RouteName): void {
  if (problem !== undefined && (storageRoutes[route].writes || alsoChanging.includes(route))) {
    throw new StorageError(
      'read-only',
      'this server is read-only until its operator has recovered its records: it takes no shares and no leases',
    );
  }
}

/** The values of the repeated secrets header, each by itself: Node's own `headers` joins them with commas. */
export function secretValues({ rawHeaders }: IncomingMessage): string[] {
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === secretsHeaderName) values.push(rawHeaders[index + 1] ?? '');
  }
  return values;
}
