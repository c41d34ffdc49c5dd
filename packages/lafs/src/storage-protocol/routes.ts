import { base32Decode, base32Encode } from '../base32.js';
import { maximumShareNumber } from './message-fields.js';
import type { SecretKind } from './secrets.js';

/** A file on a server: its storage index, 16 bytes. */
export interface BucketAddress {
  readonly storageIndex: Uint8Array;
}

/** One share of it. */
export interface ShareAddress extends BucketAddress {
  readonly shareNumber: number;
}

/** One request of the storage protocol. */
export interface Route<Parameters> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  /** The path with its parameters as `:storageIndex` (26 characters of base32) and `:shareNumber` (decimal). */
  readonly template: string;
  /** The secrets that go with the request: all of these and no others. */
  readonly secrets: readonly SecretKind[];
  /** Whether it is to store something new; a lease on what is there is nothing new. */
  readonly writes: boolean;
  /** Writes the path. */
  path(parameters: Parameters): string;
}

/** A request recognised by `matchRoute`. */
export type RouteMatch = {
  [Name in RouteName]: { readonly name: Name; readonly parameters: RouteParameters[Name] };
}[RouteName];

/** What `matchRoute` found no route for: a path that is none of ours, or a method that the path does not have. */
export interface NoRoute {
  readonly name: undefined;
  /** The methods of the path; empty for an unknown path. */
  readonly allowed: readonly string[];
}

interface RouteParameters {
  version: object;
  allocateShares: BucketAddress;
  listShares: BucketAddress;
  writeShare: ShareAddress;
  readShare: ShareAddress;
  abortUpload: ShareAddress;
  reportCorruption: ShareAddress;
  renewLease: BucketAddress;
  storeWholeShares: BucketAddress;
  readWholeShares: BucketAddress;
  findShares: object;
  readTestWrite: BucketAddress;
  listMutableShares: BucketAddress;
  readMutableShare: ShareAddress;
  reportMutableCorruption: ShareAddress;
}

export type RouteName = keyof RouteParameters;

/** Every route of the protocol (http-storage-node-protocol.rst, "General", "Immutable", "Mutable"). */
export const storageRoutes: { readonly [Name in RouteName]: Route<RouteParameters[Name]> } = {
  version: route('GET', '/storage/v1/version'),
  allocateShares: writing(
    route('POST', '/storage/v1/immutable/:storageIndex', [
      'lease-renew-secret',
      'lease-cancel-secret',
      'upload-secret',
    ]),
  ),
  listShares: route('GET', '/storage/v1/immutable/:storageIndex/shares'),
  writeShare: writing(route('PATCH', '/storage/v1/immutable/:storageIndex/:shareNumber', ['upload-secret'])),
  readShare: route('GET', '/storage/v1/immutable/:storageIndex/:shareNumber'),
  abortUpload: route('PUT', '/storage/v1/immutable/:storageIndex/:shareNumber/abort', ['upload-secret']),
  reportCorruption: route('POST', '/storage/v1/immutable/:storageIndex/:shareNumber/corrupt'),
  renewLease: route('PUT', '/storage/v1/lease/:storageIndex', ['lease-renew-secret', 'lease-cancel-secret']),
  // An extension of ours: see whole-shares.ts.
  storeWholeShares: writing(
    route('POST', '/storage/v1/immutable/:storageIndex/whole', ['lease-renew-secret', 'lease-cancel-secret']),
  ),
  readWholeShares: route('GET', '/storage/v1/immutable/:storageIndex/whole'),
  // Another: see find-many.ts.
  findShares: route('POST', '/storage/v1/immutable/shares'),
  readTestWrite: writing(
    route('POST', '/storage/v1/mutable/:storageIndex/read-test-write', [
      'write-enabler',
      'lease-renew-secret',
      'lease-cancel-secret',
    ]),
  ),
  listMutableShares: route('GET', '/storage/v1/mutable/:storageIndex/shares'),
  readMutableShare: route('GET', '/storage/v1/mutable/:storageIndex/:shareNumber'),
  reportMutableCorruption: route('POST', '/storage/v1/mutable/:storageIndex/:shareNumber/corrupt'),
};

const patterns = Object.entries(storageRoutes).map(([name, { method, template }]) => ({
  name: name as RouteName,
  method,
  pattern: new RegExp(
    `^${template
      .replace(':storageIndex', '(?<storageIndex>[a-z2-7]{26})')
      .replace(':shareNumber', '(?<shareNumber>0|[1-9][0-9]{0,9})')}$`,
  ),
}));

/** Finds the route of a request. `target` is the request's path; a query is passed over. */
export function matchRoute(method: string | undefined, target: string): RouteMatch | NoRoute {
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  const allowed: string[] = [];
  for (const candidate of patterns) {
    const groups = candidate.pattern.exec(path);
    if (!groups) continue;
    const parameters = readParameters(groups.groups ?? {});
    if (!parameters) continue;
    if (candidate.method === method) return { name: candidate.name, parameters } as RouteMatch;
    allowed.push(candidate.method);
  }
  return { name: undefined, allowed };
}

function readParameters(texts: Record<string, string>): Partial<ShareAddress> | undefined {
  const parameters: { storageIndex?: Uint8Array; shareNumber?: number } = {};
  if (texts['storageIndex'] !== undefined) {
    try {
      parameters.storageIndex = base32Decode(texts['storageIndex']);
    } catch {
      return undefined;
    }
  }
  if (texts['shareNumber'] !== undefined) {
    parameters.shareNumber = Number(texts['shareNumber']);
    if (parameters.shareNumber > maximumShareNumber) return undefined;
  }
  return parameters;
}

function route<Parameters extends Partial<ShareAddress>>(
  method: Route<Parameters>['method'],
  template: string,
  secrets: readonly SecretKind[] = [],
): Route<Parameters> {
  return {
    method,
    template,
    secrets,
    writes: false,
    path: ({ storageIndex, shareNumber }) => {
      let path = template;
      if (storageIndex) path = path.replace(':storageIndex', base32Encode(storageIndex));
      return shareNumber === undefined ? path : path.replace(':shareNumber', String(shareNumber));
    },
  };
}

function writing<Parameters>(readOnly: Route<Parameters>): Route<Parameters> {
  return { ...readOnly, writes: true };
}
