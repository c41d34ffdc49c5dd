import type { Capacity, Reservation } from '@holdfast/common/capacity';
import { type ChkVerifyCapability, longestFindAnswer, mostWholeShareBytes } from '@holdfast/lafs';
import { firstReadOf, hasSmallShares } from '../download/download-memory.js';
import { takeMemory } from '../memory/transfer-memory.js';
import type { CheckedFile } from './check-results.js';

/** Small shares that are taken whole with the answers of servers that give them. */
export interface TakenWhole {
  /** Most bytes of their data; 0 where only share numbers are asked for. */
  readonly bytes: number;
  /** How many servers are asked for them, the most preferred first. */
  readonly servers: number;
  /** Most bytes that each of these is asked for. */
  readonly each: number;
}

/** Where only share numbers are asked for. */
export const nothingWhole: TakenWhole = { bytes: 0, servers: 0, each: 0 };

/** Servers asked at a time for the shares themselves, of which an answer may hold many. */
export const askedForWholeAtOnce = 5;

/** Data that is kept where nothing says how large the shares at a storage index are, in bytes. */
const keptOfUnknown = 2 ** 21;

/** Up to so many bytes a share is read whole by which a capability is to be proven: that saves a request of its own. */
const readWholeAsProof = 16 * 1024;

/** The small shares of a file that are worth taking where all of them are to be read. */
export function worthReading(file: CheckedFile): TakenWhole {
  const servers = Number.POSITIVE_INFINITY;
  if (file.kind === 'storage-index') return { bytes: keptOfUnknown, servers, each: mostWholeShareBytes };
  if (!hasSmallShares(file)) return nothingWhole;
  const all = file.total * firstReadOf(file);
  // Some shares may be on two servers.
  return { bytes: 2 * all, servers, each: Math.min(all, mostWholeShareBytes) };
}

/** Those that are worth taking where one share is to prove the capability: the most preferred server should have one. */
export function worthReadingAsProof(file: ChkVerifyCapability): TakenWhole {
  const size = firstReadOf(file);
  if (!hasSmallShares(file) || size > readWholeAsProof) return nothingWhole;
  return { bytes: size, servers: 1, each: size };
}

/** What is taken with the answers of servers, and the memory that is held for it. */
export interface LookingMemory {
  readonly keep: TakenWhole;
  /** Gives back what only answers take that are coming in. */
  answered(): void;
  release(): void;
}

/**
 * Takes memory for what is wanted of servers. Where there never is so much, shares are read piece by piece instead.
 *
 * @param mayWait false where it is not worth waiting for
 * @throws OverloadedError, or the signal's reason
 */
export async function takeLookingMemory(
  wanted: TakenWhole,
  opening: Capacity,
  { what, mayWait, signal }: { what: string; mayWait: boolean; signal: AbortSignal | undefined },
): Promise<LookingMemory> {
  const needed = wanted.bytes > 0 ? wanted.bytes + answersMemory(wanted) : 0;
  let held: Reservation | undefined;
  if (needed > 0 && needed <= opening.size)
    held = mayWait ? await takeMemory(opening, needed, { what, signal }) : opening.takeNow(needed);
  const keep = held ? wanted : nothingWhole;
  return { keep, answered: () => held?.shrinkTo(keep.bytes), release: () => held?.release() };
}

/**
 * Bytes that answers with small shares take at most while they come in, beyond what is kept of them. Of servers that give
 * more than they are asked for: see `askServers`.
 */
function answersMemory({ servers, each }: TakenWhole): number {
  const answer = longestFindAnswer([{ storageIndex: new Uint8Array(0), most: each }]);
  return Math.min(servers, askedForWholeAtOnce) * answer;
}
