import {
  type ConnectionTypes,
  explainNoRoute,
  type Hint,
  type Route,
  routesFor,
} from '@holdfast/common/connections';
import type { GridManagerCertificate } from '@holdfast/common/grid-management';
import { type Nurl, parseFurl, parseNurl, serverPermutationSeed } from '@holdfast/lafs';

/** The source of servers that the operator named. */
export const operatorSource = 'connections.yaml';

/** A storage server as it was announced or configured. */
export interface KnownServer {
  readonly id: string;
  readonly nickname: string;
  /** Where it can be reached, best first: NURL texts. */
  readonly nurls: readonly string[];
  /** Needed for its tub id, which lease secrets are made of; its hints serve where no NURL can be reached. */
  readonly furl: string;
  readonly permutationSeed?: string | undefined;
  /** What program it says it runs. */
  readonly version?: string | undefined;
  /** By which grid managers vouch for it. */
  readonly certificates?: readonly GridManagerCertificate[] | undefined;
  /** Whether its operator is taking it away: it is read from, and gets no shares. */
  readonly leaving?: boolean | undefined;
  /** Who told us: `introducer:NAME`, or `connections.yaml` for what the operator wrote. */
  readonly source: string;
  /** How it may be reached, where that was said for it: this replaces the default, whole. */
  readonly connectionTypes?: ConnectionTypes | undefined;
}

/** What of a known server is needed to speak with it. */
export interface ReachableServer {
  /** SHA-256 of the SubjectPublicKeyInfo that it must show, 32 bytes. */
  readonly spkiHash: Uint8Array;
  readonly swissnum: string;
  /** The ways to it, best first; at least one. */
  readonly routes: readonly [Route, ...Route[]];
  readonly tubId: Uint8Array;
  readonly permutationSeed: Uint8Array;
}

/** Why a known server cannot even be tried. The message names the field and the reason, no secret. */
export class UnusableServerError extends Error {
  override readonly name = 'UnusableServerError';
  readonly code = 'unusable-server';
}

/**
 * Reads a known server's addresses, and which of them may be used how. Only a NURL says which key the server must show.
 * Where no NURL can be reached, the places that its FURL hints at are tried for the same key: Tahoe-LAFS serves both
 * protocols at one port.
 *
 * @param types what holds for servers that have no map of their own
 * @throws UnusableServerError
 */
export function readKnownServer(server: KnownServer, types: ConnectionTypes): ReachableServer {
  const nurls = server.nurls.map((text) => field('anonymous-storage-NURLs', () => parseNurl(text)));
  const furl = field('anonymous-storage-FURL', () => parseFurl(server.furl));
  const permutationSeed = field('permutation-seed-base32', () =>
    serverPermutationSeed(server.id, server.permutationSeed),
  );
  const allowed = server.connectionTypes ?? types;
  const hints = furl.hints.filter((hint) => hint.transport !== 'other');
  // Where NURLs name different keys, the first that can be reached decides.
  const lead = nurls.find((nurl) => routesFor([nurl], allowed).length > 0) ?? nurls[0];
  if (!lead) throw new UnusableServerError('it has no NURL');
  const places: Hint[] = nurls.filter((nurl) => opensAlike(nurl, lead));
  const named = routesFor(places, allowed);
  const [first, ...others] = named.length > 0 ? named : routesFor(hints, allowed);
  if (!first) throw new UnusableServerError(explainNoRoute([...places, ...hints], allowed));
  const { spkiHash, swissnum } = lead;
  return { spkiHash, swissnum, routes: [first, ...others], tubId: furl.tubId, permutationSeed };
}

function opensAlike(a: Nurl, b: Nurl): boolean {
  return a.swissnum === b.swissnum && Buffer.compare(a.spkiHash, b.spkiHash) === 0;
}

function field<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UnusableServerError(`${name}: ${(error as Error).message}`, { cause: error });
  }
}
