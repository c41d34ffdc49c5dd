import { randomBytes } from 'node:crypto';
import {
  type EncodingGeometry,
  encodingGeometry,
  immutableShareLayout,
  leafNode,
  proofNodes,
  VerifyingHashTree,
} from '@holdfast/lafs';
import { expect, it } from 'vitest';
import { localCoding } from '../coding/local-coding.js';
import { LeafHashes } from '../download/leaf-hashes.js';
import { WrongFileError } from '../errors.js';
import { type BlockEncoder, FileEncoder, type FileHashes } from '../upload/file-encoder.js';
import { shareTail } from '../upload/share-tail.js';
import { ShareRebuilder, sharesToMake } from './share-rebuilder.js';

// The last segment is short, and not a multiple of k.
const geometry = encodingGeometry({ size: 10_000, required: 3, total: 10, maximumSegmentSize: 3_000 });
const content = new Uint8Array(randomBytes(10_000));

const reading = (bytes: Uint8Array) => ({
  read: async (position: number, length: number) => bytes.subarray(position, position + length),
});

/** The shares that an encoder makes, whole, by their numbers. */
async function sharesOf(encoder: BlockEncoder) {
  const parts = new Map(encoder.shares.map((share): [number, Uint8Array[]] => [share, []]));
  for await (const { blockSize, encodeInto } of encoder.segments(Buffer.allocUnsafe)) {
    const rooms = encoder.shares.map(() => Buffer.alloc(blockSize, 0xaa));
    await encodeInto(rooms);
    for (const [index, share] of encoder.shares.entries()) parts.get(share)?.push(rooms[index] as Buffer);
  }
  const hashes = await encoder.finish();
  const layout = immutableShareLayout({ geometry, uriExtensionLength: hashes.uriExtension.length });
  const shares = [...parts].map(([share, blocks]): [number, string] => [
    share,
    Buffer.concat([layout.header, ...blocks, ...shareTail(share, layout, hashes)]).toString('hex'),
  ]);
  return { hashes, shares: new Map(shares) };
}

/** What is known of a file when some of its shares have been opened. */
function describeAfter(opened: readonly number[], { shareTree, uriExtension }: FileHashes) {
  const known = new VerifyingHashTree(geometry.total, shareTree.root);
  for (const share of opened) {
    const nodes = [...proofNodes(geometry.total, share), leafNode(geometry.total, share)];
    known.add({ nodes: nodes.map((node) => [node, shareTree.node(node)]) });
  }
  const none = new Uint8Array(32);
  return {
    geometry,
    uriExtension,
    hashes: { ciphertextHash: none, ciphertextRootHash: none, shareRootHash: shareTree.root },
    segmentHashes: new LeafHashes(geometry.segmentCount, none),
    shareTree: known,
  };
}

function rebuilding(
  ciphertext: Uint8Array,
  opened: readonly number[],
  wanted: readonly number[],
  hashes: FileHashes,
) {
  const description = describeAfter(opened, hashes);
  const shares = sharesToMake(description, new Set(wanted));
  const encoding = localCoding.encode(geometry as EncodingGeometry, undefined, shares);
  return new ShareRebuilder(reading(ciphertext), description, encoding, shares, hashes.ciphertextTree);
}

const original = () =>
  sharesOf(new FileEncoder(reading(content), geometry, localCoding.encode(geometry, undefined)));

it.each([
  [[0, 1, 2], [7]],
  [
    [3, 5, 9],
    [0, 4],
  ],
  [
    [7, 8, 9],
    [0, 1, 2, 3, 4, 5, 6],
  ],
  [[0, 4, 8], [2]],
])('makes shares as they were, with %j opened: %j', async (opened, wanted) => {
  const { shares, hashes } = await original();
  const made = await sharesOf(rebuilding(content, opened, wanted, hashes));
  for (const share of wanted) expect(made.shares.get(share)).toBe(shares.get(share));
});

it('makes, of those that nobody wants, the shares whose roots no opened share tells', async () => {
  const { hashes } = await original();
  // Of 4 and of 6 the neighbours were opened, whose proofs have their roots.
  expect(sharesToMake(describeAfter([5, 7, 0], hashes), new Set([6]))).toEqual([2, 3, 6, 8, 9]);
});

it('gives no share of what is not the file', async () => {
  const { hashes } = await original();
  const other = Uint8Array.from(content);
  other.set([(content[9_999] as number) ^ 1], 9_999);
  const rebuilder = rebuilding(other, [0, 1, 2], [3], hashes);
  await expect(sharesOf(rebuilder)).rejects.toThrow(WrongFileError);
});
