import {
  type ChkVerifyCapability,
  type UriExtension,
  UriExtensionError,
  uriExtensionGeometry,
  uriExtensionHash,
} from '@holdfast/lafs';
import type { FoundShare } from '../download/found-share.js';
import { StorageServerError } from '../errors.js';
import { answerWithin } from './ask-servers.js';
import { readExpectedBlock } from './expected-block.js';
import { describeShare, type HowToRead } from './share-description.js';

/** What shares say of a capability. */
export interface CapabilityProof {
  /** Whether the URI extension block of one of them is the one that the capability names. */
  readonly proven: boolean;
  /** Whether enough of them to be a file agree with each other, and none with the capability. */
  readonly wrongCapability: boolean;
  /** What is wrong with shares that were read. None where the capability is what is wrong. */
  readonly wrong: ReadonlyMap<FoundShare, string>;
}

/**
 * Finds out whether a capability is that of the shares at its storage index, by reading the URI extension block of one
 * of them. Only where that is not the one that the capability names, others are read. A server may make shares up; so may
 * whoever names a capability. Where k shares are of one other file, and none of the one that was named, it is the
 * capability that is not believed.
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
  const others = new Map<string, { required: number; numbers: Set<number> }>();
  for (const share of inTurn(found)) {
    try {
      const expected = await readExpectedBlock(share, capability, hurried);
      if (expected) return verdict(expected, capability, wrong);
      const { uriExtension, fields } = await describeShare(share, capability.storageIndex, hurried);
      const hash = uriExtensionHash(uriExtension);
      if (Buffer.compare(hash, capability.uriExtensionHash) === 0) return verdict(fields, capability, wrong);
      wrong.set(share, 'its URI extension block is not the one that the capability names');
      const name = Buffer.from(hash).toString('hex');
      const other = others.get(name) ?? { required: fields.required, numbers: new Set() };
      others.set(name, other);
      other.numbers.add(share.shareNumber);
    } catch (error) {
      how.signal?.throwIfAborted();
      // A share that was not given proves nothing, for or against it.
      if (!(error instanceof StorageServerError)) wrong.set(share, (error as Error).message);
    }
  }
  const isOther = [...others.values()].some(({ required, numbers }) => numbers.size >= required);
  return isOther ? theCapabilityIsWrong : { proven: false, wrongCapability: false, wrong };
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

/** Shares that are in memory first, then one of each server. */
function inTurn(found: readonly FoundShare[]): FoundShare[] {
  const turns = new Map<FoundShare, number>();
  const ofServer = new Map<string, number>();
  for (const share of found) {
    const turn = (ofServer.get(share.server.id) ?? 0) + 1;
    ofServer.set(share.server.id, turn);
    turns.set(share, share.data ? 0 : turn);
  }
  return [...found].sort((a, b) => (turns.get(a) ?? 0) - (turns.get(b) ?? 0));
}
