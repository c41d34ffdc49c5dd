import { randomBytes } from 'node:crypto';
import {
  type EncodingGeometry,
  encodingGeometry,
  HashTree,
  hashSize,
  immutableShareLayout,
  leafNode,
  proofNodes,
  treeNodeCount,
  VerifyingHashTree,
} from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { localCoding } from '../coding/local-coding.js';
import { LeafHashes } from '../download/leaf-hashes.js';
import { WrongFileError } from '../errors.js';
import { type BlockEncoder, FileEncoder, type FileHashes } from '../upload/file-encoder.js';
import { shareTail } from '../upload/share-tail.js';
import { ShareRebuilder, sharesToMake } from './share-rebuilder.js';

const content = new Uint8Array(randomBytes(10_000));
const geometryOf = (required: number, total: number, maximumSegmentSize = 3_000) =>
  encodingGeometry({ size: content.length, required, total, maximumSegmentSize });
// The last segment is short, and not a multiple of k.
const usual = geometryOf(3, 10);

/** Segments in two pieces that do not end where a block does. */
const reading = (bytes: Uint8Array, { segmentSize } = usual) => {
  const released: number[] = [];
  const read = async (segment: number) => {
    const taken = bytes.subarray(segment * segmentSize, (segment + 1) * segmentSize);
    const release = () => void released.push(segment);
    return { pieces: [taken.subarray(0, 100), taken.subarray(100)], release };
  };
  return { read, released };
};

/** The shares that an encoder makes, whole, by their numbers. */
async function sharesOf(encoder: BlockEncoder, geometry = usual) {
  const parts = new Map(encoder.shares.map((share): [number, Uint8Array[]] => [share, []]));
  for await (const { blockSize, encodeInto } of encoder.segments()) {
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
function describeAfter(
  opened: readonly number[],
  { shareTree, ciphertextTree, uriExtension }: FileHashes,
  geometry = usual,
) {
  const known = new VerifyingHashTree(geometry.total, shareTree.root);
  for (const share of opened) {
    const nodes = [...proofNodes(geometry.total, share), leafNode(geometry.total, share)];
    known.add({ nodes: nodes.map((node) => [node, shareTree.node(node)]) });
  }
  const none = new Uint8Array(32);
  const segmentHashes = new LeafHashes(geometry.segmentCount, ciphertextTree.root);
  // Where it is the tree of so many segments, its leaves are known, as when they have been read.
  if (ciphertextTree.bytes.length === treeNodeCount(geometry.segmentCount) * hashSize)
    segmentHashes.begin(ciphertextTree.bytes);
  return {
    geometry,
    uriExtension,
    hashes: { ciphertextHash: none, ciphertextRootHash: ciphertextTree.root, shareRootHash: shareTree.root },
    segmentHashes,
    shareTree: known,
  };
}

function rebuilding(
  ciphertext: Uint8Array,
  opened: readonly number[],
  wanted: readonly number[],
  hashes: FileHashes,
  geometry = usual,
) {
  const description = describeAfter(opened, hashes, geometry);
  const shares = sharesToMake(description, new Set(wanted));
  const encoding = localCoding.encode(geometry, undefined, shares);
  return new ShareRebuilder(reading(ciphertext, geometry), description, encoding, shares);
}

const original = (geometry = usual) =>
  sharesOf(
    new FileEncoder(reading(content, geometry), geometry, localCoding.encode(geometry, undefined)),
    geometry,
  );

it.each<[string, EncodingGeometry, number[], number[]]>([
  ['one share', usual, [0, 1, 2], [7]],
  ['primary shares from parity', usual, [3, 5, 9], [0, 4]],
  ['all but those opened', usual, [7, 8, 9], [0, 1, 2, 3, 4, 5, 6]],
  ['a share whose neighbour is not opened', usual, [0, 4, 8], [2]],
  ['of one segment', geometryOf(3, 10, 20_000), [1, 4, 6], [0, 9]],
  ['of 1-of-3', geometryOf(1, 3), [2], [0, 1]],
  ['of 4-of-4', geometryOf(4, 4), [0, 1, 2, 3], [2]],
])('makes shares as they were: %s', async (_, geometry, opened, wanted) => {
  const { shares, hashes } = await original(geometry);
  const made = await sharesOf(rebuilding(content, opened, wanted, hashes, geometry), geometry);
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

it('gives no share where the ciphertext is not what the file says, though its shares are', async () => {
  const { hashes } = await original();
  const uploader = { ...hashes, ciphertextTree: HashTree.of([new Uint8Array(32)]) };
  await expect(sharesOf(rebuilding(content, [0, 1, 2], [3], uploader))).rejects.toThrow(WrongFileError);
});

describe('the segments that are encoded', () => {
  const begin = () => {
    const source = reading(content);
    const encoder = new FileEncoder(source, usual, localCoding.encode(usual, undefined));
    const rooms = (blockSize: number) => encoder.shares.map(() => Buffer.alloc(blockSize));
    return { encoder, rooms, released: source.released };
  };

  it('are each released once, when it is encoded', async () => {
    const { encoder, rooms, released } = begin();
    let encoded = 0;
    for await (const { blockSize, encodeInto } of encoder.segments()) {
      expect(released.length).toBe(encoded);
      await encodeInto(rooms(blockSize));
      encoded++;
    }
    expect(released).toEqual([0, 1, 2, 3]);
  });

  it('are released too where one was read ahead and encoding ends before it', async () => {
    const { encoder, rooms, released } = begin();
    for await (const { blockSize, encodeInto } of encoder.segments()) {
      await encodeInto(rooms(blockSize));
      break;
    }
    await expect.poll(() => released).toEqual([0, 1]);
  });
});
