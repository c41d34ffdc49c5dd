import {
  blockSizeOf,
  type EncodingGeometry,
  hashSize,
  leafNode,
  proofNodes,
  treeNodeCount,
  type VerifyingHashTree,
} from '@holdfast/lafs';
import { expectManyListeners } from '../connections/expect-many-listeners.js';
import { BadShareError } from '../download/file-description.js';
import type { FoundShare } from '../download/found-share.js';
import { ShareReader } from '../download/share-reader.js';
import { shareTailOf } from '../upload/share-tail.js';
import { type ShareUpload, shareUploadMemory } from '../upload/share-upload.js';
import type { OpenedFile } from './opened-file.js';
import type { Pace } from './pace.js';

/** Blocks that are read ahead of the one that is written, in bytes. */
const readAhead = 2 * 1024 * 1024;
const mostBlocksAhead = 16;

/**
 * Copies a share from the server that has it to another, byte for byte. Every block and hash is checked on the way; the
 * last bytes, without which the new share does not count, are sent when all before them were right.
 *
 * @throws StorageServerError or an error that says what is wrong, both about the share that is read. What goes wrong at
 *   the server that is written to is in the upload's `failure`.
 */
export async function copyShare(
  share: FoundShare,
  upload: ShareUpload,
  { capability, description, layout }: OpenedFile,
  { pace, signal }: { pace: Pace; signal: AbortSignal | undefined },
): Promise<void> {
  const { geometry, shareTree, uriExtension } = description;
  const { storageIndex } = capability;
  const reader = await ShareReader.open(share, storageIndex, capability, { known: description });
  const { ciphertextTree, blockTree } = await reader.hashTrees();
  const leaving = new AbortController();
  expectManyListeners(leaving.signal);
  const leave = () => leaving.abort();
  signal?.addEventListener('abort', leave, { once: true });
  await upload.append(layout.header);
  const reading: Promise<Uint8Array>[] = [];
  let next = 0;
  try {
    for (let segment = 0; segment < geometry.segmentCount; segment++) {
      for (; next < geometry.segmentCount && reading.length < blocksAhead(geometry); next++) {
        await pace(2 * geometry.blockSize);
        const block = reader.block(next, leaving.signal);
        // Its failure is thrown when its turn comes; until then it is not unhandled.
        block.catch(() => undefined);
        reading.push(block);
      }
      signal?.throwIfAborted();
      const block = await (reading.shift() as Promise<Uint8Array>);
      if (upload.failure) return;
      (await upload.room(blockSizeOf(geometry, segment))).set(block);
    }
  } finally {
    signal?.removeEventListener('abort', leave);
    leave();
  }
  const chain = chainOf(shareTree, share.shareNumber);
  for (const part of shareTailOf(layout, { ciphertextTree, blockTree, chain, uriExtension }))
    await upload.append(part);
}

/** Bytes of memory that copying one share takes at most. */
export function copyingMemory(geometry: EncodingGeometry, shareSize: number): number {
  const trees = 3 * treeNodeCount(geometry.segmentCount) * hashSize;
  return (
    shareUploadMemory(shareSize, geometry.blockSize) + blocksAhead(geometry) * geometry.blockSize + 2 * trees
  );
}

function blocksAhead({ blockSize, segmentCount }: EncodingGeometry): number {
  return Math.min(segmentCount, mostBlocksAhead, Math.max(2, Math.ceil(readAhead / blockSize)));
}

/** A share's proof, with its leaf, in the order in which it was made. */
function chainOf(tree: VerifyingHashTree, shareNumber: number): [number, Uint8Array][] {
  const nodes = [...proofNodes(tree.leafCount, shareNumber), leafNode(tree.leafCount, shareNumber)];
  return nodes.map((node) => {
    const hash = tree.node(node);
    if (!hash) throw new BadShareError('its share hash chain is not whole');
    return [node, hash];
  });
}
