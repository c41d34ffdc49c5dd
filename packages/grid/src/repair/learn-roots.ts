import { joinSignals } from '@holdfast/common/lifecycle';
import { parseShareHashChain } from '@holdfast/lafs';
import type { FoundShare } from '../download/found-share.js';
import type { OpenedFile } from './opened-file.js';

/** Bytes of its blocks from which on a share is asked: to make a smaller one takes no longer than to ask. */
const worthAsking = 256 * 1024;

/** How long shares may take to tell, in milliseconds: about as long as it takes to make one of 300 MB. */
const patience = 300;

/**
 * Asks shares that are there but not read for the roots of their blocks, which stand in their hash chains. A share whose root
 * is not known has to be made to prove those that are lacking: in large files of 3-of-10 that were nine of the ten where four
 * were lacking, a fifth of the processor time that the repairer took.
 *
 * What is not told in time, or does not lead to the file, stays unknown: nothing fails for it.
 *
 * @param good the shares that there are
 */
export async function learnRoots(
  { capability, description, layout, sources }: OpenedFile,
  good: readonly FoundShare[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const { shareTree, geometry } = description;
  if (geometry.shareDataSize < worthAsking) return;
  const { offset, size } = layout.sections.shareHashChain;
  const unknown = good.filter(
    (share) =>
      share.shareNumber < geometry.total &&
      shareTree.leaf(share.shareNumber) === undefined &&
      !sources.givenUp.has(share),
  );
  const { signal: ending, release } = joinSignals(signal ? [signal] : [], patience);
  const askOneOf = async (shares: readonly FoundShare[]) => {
    for (const { server, shareNumber } of shares) {
      try {
        const chain = await server.read(capability.storageIndex, shareNumber, offset, offset + size, ending);
        shareTree.add({ nodes: parseShareHashChain(chain) });
        return;
      } catch {
        // The next one may tell; else they are made.
      }
    }
  };
  await Promise.all(neighbours(unknown).map(askOneOf)).finally(release);
}

/** By pairs: two shares that are neighbours in the tree each tell the other's root too, and so do copies of them. */
function neighbours(shares: readonly FoundShare[]): FoundShare[][] {
  const pairs = new Map<number, FoundShare[]>();
  for (const share of shares) {
    const pair = Math.floor(share.shareNumber / 2);
    pairs.set(pair, [...(pairs.get(pair) ?? []), share]);
  }
  return [...pairs.values()];
}
