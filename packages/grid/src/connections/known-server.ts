import type { GridManagerCertificate } from '@holdfast/common/grid-management';
import {
  formatNetworkLocation,
  type Nurl,
  parseFurl,
  parseNurl,
  serverPermutationSeed,
} from '@holdfast/lafs';

/** A storage server as it was announced or configured. */
export interface KnownServer {
  readonly id: string;
  readonly nickname: string;
  /** Where it can be reached, best first: NURL texts. */
  readonly nurls: readonly string[];
  /** Needed for its tub id, which lease secrets are made of. */
  readonly furl: string;
  readonly permutationSeed?: string | undefined;
  /** What program it says it runs. */
  readonly version?: string | undefined;
  /** By which grid managers vouch for it. */
  readonly certificates?: readonly GridManagerCertificate[] | undefined;
  /** Who told us: `introducer` or `connections.yaml`. */
  readonly source: string;
}

/** What of a known server is needed to speak with it. */
export interface ReachableServer {
  readonly nurl: Nurl;
  /** `host:port`. */
  readonly address: string;
  readonly tubId: Uint8Array;
  readonly permutationSeed: Uint8Array;
}

/** Why a known server cannot even be tried. The message names the field and the reason, no secret. */
export class UnusableServerError extends Error {
  override readonly name = 'UnusableServerError';
  readonly code = 'unusable-server';
}

/**
 * Reads a known server's addresses. The first that a handler can be used for is taken; the only handler is `tcp`.
 *
 * @throws UnusableServerError
 */
export function readKnownServer(server: KnownServer): ReachableServer {
  const nurls: Nurl[] = [];
  for (const text of server.nurls) nurls.push(field('anonymous-storage-NURLs', () => parseNurl(text)));
  const nurl = nurls.find(({ transport }) => transport === 'tcp');
  if (!nurl) throw new UnusableServerError('it has no NURL that can be reached by tcp');
  const { tubId } = field('anonymous-storage-FURL', () => parseFurl(server.furl));
  const permutationSeed = field('permutation-seed-base32', () =>
    serverPermutationSeed(server.id, server.permutationSeed),
  );
  return { nurl, address: formatNetworkLocation(nurl), tubId, permutationSeed };
}

function field<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UnusableServerError(`${name}: ${(error as Error).message}`, { cause: error });
  }
}
