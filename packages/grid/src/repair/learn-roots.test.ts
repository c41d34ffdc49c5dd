import { randomBytes } from 'node:crypto';
import {
  type ChkVerifyCapability,
  encodingGeometry,
  immutableShareLayout,
  parseUriExtension,
  storageIndexOfKey,
  uriExtensionHash,
  uriExtensionLength,
  VerifyingHashTree,
} from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { localCoding } from '../coding/local-coding.js';
import type { StorageServer } from '../connections/storage-server.js';
import type { FoundShare } from '../download/found-share.js';
import { LeafHashes } from '../download/leaf-hashes.js';
import type { ShareSources } from '../download/share-sources.js';
import { StorageServerError } from '../errors.js';
import { FileEncoder } from '../upload/file-encoder.js';
import { encodeWholeShares } from '../upload/whole-shares.js';
import { learnRoots } from './learn-roots.js';
import type { OpenedFile } from './opened-file.js';

const [required, total] = [2, 5];
const content = randomBytes(3_000);
const geometry = encodingGeometry({ required, total, maximumSegmentSize: 4_000, size: content.length });
const layout = immutableShareLayout({ geometry, uriExtensionLength: uriExtensionLength(geometry) });
const source = { read: async () => ({ pieces: [content], release: () => undefined }) };
const encoder = new FileEncoder(source, geometry, localCoding.encode(geometry, undefined));
const { shares, hashes } = await encodeWholeShares(encoder, layout, total);
const capability: ChkVerifyCapability = {
  kind: 'CHK-Verifier',
  storageIndex: storageIndexOfKey(randomBytes(16)),
  uriExtensionHash: uriExtensionHash(hashes.uriExtension),
  required,
  total,
  size: content.length,
};

/** The file as one that is open is known, but for the hashes that its open shares have told. */
function opened(): OpenedFile {
  const extension = parseUriExtension(hashes.uriExtension);
  return {
    capability,
    layout,
    sources: {} as ShareSources,
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
  const whole = shares.get(shareNumber) as Uint8Array;
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
      expect(file.description.shareTree.leaf(share)).toEqual(hashes.blockTrees[share]?.root);
  });

  it('are not asked where the root is known', async () => {
    const file = opened();
    await learnRoots(file, [held(2)], undefined);
    const others = [held(2), held(3)];
    await learnRoots(file, others, undefined);
    expect(others.map(({ asked }) => asked)).toEqual([0, 0]);
  });

  it('keep nothing up where they are wrong, gone or silent, or have a number that the file has not', async () => {
    const file = opened();
    const wrong = held(0, async (bytes) => bytes.fill(7, 2));
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
    const unknown = { ...held(1), shareNumber: 9 };
    await learnRoots(file, [wrong, cutOff, gone, silent, unknown, held(3)], undefined);
    expect(known(file)).toEqual([2, 3]);
    expect(silent.asked).toBe(1);
  });
});
