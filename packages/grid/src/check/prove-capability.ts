import {
  type ChkVerifyCapability,
  type UriExtension,
  UriExtensionError,
  uriExtensionGeometry,
  uriExtensionHash,
} from '@holdfast/lafs';
import { answerWithin } from '../connections/answer-within.js';
import { otherUriExtension } from '../download/file-description.js';
import type { FoundShare } from '../download/found-share.js';
import { StorageServerError } from '../errors.js';
import { readExpectedBlock } from './expected-block.js';
import { type HowToRead, readShareDescription } from './share-description.js';

/** Milliseconds after which no further share is read: whoever claims many and gives none is not waited for many times. */
const longestProof = 20_000;

/** What shares say of a capability. */
export interface CapabilityProof {
  /** Whether the URI extension block of one of them is the one that the capability names. */
  readonly proven: boolean;
  /** Whether enough of them to be a file, of more than one server, agree with each other, and none with the capability. */
  readonly wrongCapability: boolean;
  /** What is wrong with shares that were read. None where the capability is what is wrong. */
  readonly wrong: ReadonlyMap<FoundShare, string>;
}

/**
 * Finds out whether a capability is that of the shares at its storage index, by reading the URI extension block of one
 * of them. Only where that is not the one that the capability names, others are read. A server may make shares up; so may
 * whoever names a capability. Where k shares of several servers are of one other file, and none of the one that was named,
 * it is the capability that is not believed.
 *
 * @param found in the order in which their servers are to be asked
 * @throws the signal's reason
 */
export async function proveCapability(
  capability: ChkVerifyCapability,
  found: readonly FoundShare[],
  how: HowToRead,
): Promise<CapabilityProof> {
  const hurried = { ...how, within: answerWithin };
  const wrong = new Map<FoundShare, string>();
  const others = new Map<string, OtherFile>();
  const began = performance.now();
  for (const share of inTurn(found, capability)) {
    if (performance.now() - began > longestProof) break;
    try {
      const expected = await readExpectedBlock(share, capability, hurried);
      if (expected) return verdict(expected, capability, wrong);
      const { uriExtension, fields } = await readShareDescription(share, capability.storageIndex, hurried);
      const hash = uriExtensionHash(uriExtension);
      if (Buffer.compare(hash, capability.uriExtensionHash) === 0) return verdict(fields, capability, wrong);
      wrong.set(share, otherUriExtension);
      const name = Buffer.from(hash).toString('hex');
      const other = others.get(name) ?? { required: fields.required, numbers: new Set(), servers: new Set() };
      others.set(name, other);
      other.numbers.add(share.shareNumber);
      other.servers.add(share.server.id);
    } catch (error) {
      how.signal?.throwIfAborted();
      // A share that was not given proves nothing, for or against it.
      if (!(error instanceof StorageServerError)) wrong.set(share, (error as Error).message);
    }
  }
  const isWrong = [...others.values()].some((other) => outweighs(other, capability));
  return isWrong ? theCapabilityIsWrong : { proven: false, wrongCapability: false, wrong };
}

/** Shares that agree on a file which is not the one that the capability names. */
interface OtherFile {
  /** As they say themselves. */
  readonly required: number;
  readonly numbers: Set<number>;
  readonly servers: Set<string>;
}

/**
 * Whether shares of another file are to be believed, not the capability. They do not decide by themselves how many are
 * enough: one made-up share of a file that needs one would be. Nor does one server, also where the file needs one share
 * and no other server is there: where it is right, it is told for nothing that its share is wrong, and the file waits for
 * better ones; where it lied and were believed, the file would be given up.
 */
function outweighs({ required, numbers, servers }: OtherFile, capability: ChkVerifyCapability): boolean {
  return numbers.size >= Math.max(required, capability.required) && servers.size > 1;
}

const theCapabilityIsWrong: CapabilityProof = { proven: false, wrongCapability: true, wrong: new Map() };

/** A block that a capability names proves it, unless it says other numbers than the capability. */
function verdict(
  block: UriExtension,
  capability: ChkVerifyCapability,
  wrong: CapabilityProof['wrong'],
): CapabilityProof {
  try {
    uriExtensionGeometry(block, capability);
    return { proven: true, wrongCapability: false, wrong };
  } catch (error) {
    if (error instanceof UriExtensionError) return theCapabilityIsWrong;
    throw error;
  }
}

/** Shares that are in memory first, then one of each server; those last that the file cannot have, if its capability is right. */
function inTurn(found: readonly FoundShare[], { total }: ChkVerifyCapability): FoundShare[] {
  const turns = new Map<FoundShare, number>();
  const ofServer = new Map<string, number>();
  for (const share of found) {
    const turn = (ofServer.get(share.server.id) ?? 0) + 1;
    ofServer.set(share.server.id, turn);
    const last = share.shareNumber < total ? 0 : found.length;
    turns.set(share, share.data ? 0 : last + turn);
  }
  return [...found].sort((a, b) => (turns.get(a) ?? 0) - (turns.get(b) ?? 0));
}
