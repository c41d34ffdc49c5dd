import { parseUriExtension, VerifyingHashTree, verifyCapabilityOf } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import type { StorageServer } from '../connections/storage-server.js';
import type { FoundShare } from '../download/found-share.js';
import { LeafHashes } from '../download/leaf-hashes.js';
import type { ShareSources } from '../download/share-sources.js';
import { StorageServerError } from '../errors.js';
import { encodedFile } from '../testing/encoded-file.js';
import { learnRoots } from './learn-roots.js';
import type { OpenedFile } from './opened-file.js';

const total = 5;
const large = await encodedFile({ required: 2, total, size: 600_000 });
const small = await encodedFile({ required: 2, total, size: 400_000 });

/** The file as one that is open is known, but for the hashes that its open shares have told. */
function opened({ hashes, geometry, layout, capability } = large): OpenedFile {
  const extension = parseUriExtension(hashes.uriExtension);
  return {
    capability: verifyCapabilityOf(capability),
    layout,
    sources: { givenUp: new Map() } as unknown as ShareSources,
    description: {
      geometry,
      uriExtension: hashes.uriExtension,
      hashes: extension,
      segmentHashes: new LeafHashes(geometry.segmentCount, extension.ciphertextRootHash),
      shareTree: new VerifyingHashTree(total, extension.shareRootHash),
    },
  };
}

/** A share that answers with what `given` makes of its bytes. */
function held(
  shareNumber: number,
  given: (bytes: Uint8Array, signal: AbortSignal | undefined) => Promise<Uint8Array> = async (bytes) => bytes,
): FoundShare & { asked: number } {
  const whole = large.shares.get(shareNumber) as Uint8Array;
  const share = {
    shareNumber,
    asked: 0,
    server: {
      read: async (_index: Uint8Array, _number: number, start: number, end: number, signal?: AbortSignal) => {
        share.asked++;
        return given(whole.slice(start, end), signal);
      },
    } as unknown as StorageServer,
  };
  return share;
}

const known = ({ description: { shareTree } }: OpenedFile) =>
  Array.from({ length: total }, (_, share) => share).filter((share) => shareTree.leaf(share) !== undefined);

describe('shares that are there, and are asked for the roots of their blocks', () => {
  it('tell them, each its own and that of its neighbour in the tree', async () => {
    const file = opened();
    await learnRoots(file, [held(1), held(4)], undefined);
    // The tree of five leaves has eight; that beside the last stands for none.
    expect(known(file)).toEqual([0, 1, 4]);
    for (const share of known(file))
      expect(file.description.shareTree.leaf(share)).toEqual(large.hashes.blockTrees[share]?.root);
  });

  it('are not asked where the root is known, will be told by a neighbour, or costs less to work out', async () => {
    const file = opened();
    await learnRoots(file, [held(2)], undefined);
    const others = [held(2), held(3)];
    await learnRoots(file, others, undefined);
    expect(others.map(({ asked }) => asked)).toEqual([0, 0]);
    const pair = [held(0), held(1)];
    await learnRoots(file, pair, undefined);
    expect(pair.map(({ asked }) => asked).toSorted()).toEqual([0, 1]);
    const ofSmall = held(4);
    await learnRoots(opened(small), [ofSmall], undefined);
    expect(ofSmall.asked).toBe(0);
  });

  it('are not asked where they were found wrong', async () => {
    const file = opened();
    const wrong = held(1);
    const sources = { givenUp: new Map([[wrong, new Error('it is wrong')]]) } as unknown as ShareSources;
    await learnRoots({ ...file, sources }, [wrong], undefined);
    expect(wrong.asked).toBe(0);
  });

  it('keep nothing up where they are wrong, gone or silent, or have a number that the file has not', async () => {
    const file = opened();
    const wrong = held(0, async (bytes) => bytes.fill(7, 2));
    await learnRoots(file, [wrong], undefined);
    const cutOff = held(1, async (bytes) => bytes.subarray(0, 40));
    const gone = held(4, async () => {
      throw new StorageServerError('unreachable', 'storage4', 'it went away');
    });
    const silent = held(
      4,
      (_, signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    await learnRoots(file, [gone], undefined);
    await learnRoots(file, [cutOff, silent, { ...held(1), shareNumber: 9 }, held(3)], undefined);
    expect([wrong, cutOff, gone, silent].map(({ asked }) => asked)).toEqual([1, 1, 1, 1]);
    expect(known(file)).toEqual([2, 3]);
  });

  it('tell in place of a neighbour that does not', async () => {
    const file = opened();
    const gone = held(0, async () => {
      throw new StorageServerError('unreachable', 'storage0', 'it went away');
    });
    await learnRoots(file, [gone, held(1)], undefined);
    expect(gone.asked).toBe(1);
    expect(known(file)).toEqual([0, 1]);
  });
});
