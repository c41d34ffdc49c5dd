import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { blockHash, ciphertextHasher, ciphertextSegmentHash } from '../hashing/immutable-hashes.js';
import { HashTree } from '../merkle/hash-tree.js';
import { stream } from '../testing/fixtures.js';
import { checkShare } from './check-share.js';
import { blockSizeOf, encodingGeometry } from './encoding-geometry.js';
import { immutableShareLayout } from './share-layout.js';
import { encodeShareHashChain, encodeUriExtensionSection } from './share-sections.js';
import { encodeUriExtension, uriExtensionOf } from './uri-extension.js';

/** A share that is whole; blocks are whatever they are, since their hashes are made from them. */
function wholeShare(fields: { size: number; segment: number; shareNumber: number; version: 1 | 2 }): Buffer {
  const { version, shareNumber } = fields;
  const geometry = encodingGeometry({
    size: fields.size,
    required: 3,
    total: 10,
    maximumSegmentSize: fields.segment,
  });
  const ciphertext = stream('ciphertext', fields.size);
  const segments = Array.from({ length: geometry.segmentCount }, (_, index) =>
    ciphertext.subarray(index * geometry.segmentSize, (index + 1) * geometry.segmentSize),
  );
  const blocks = segments.map((_, index) => stream(`block ${index}`, blockSizeOf(geometry, index)));
  const blockTree = HashTree.of(blocks.map(blockHash));
  const ciphertextTree = HashTree.of(segments.map(ciphertextSegmentHash));
  const roots = Array.from({ length: 10 }, (_, index) =>
    index === shareNumber ? blockTree.root : stream(`root ${index}`, 32),
  );
  const shareTree = HashTree.of(roots);
  const extension = encodeUriExtension(
    uriExtensionOf(geometry, {
      ciphertextHash: ciphertextHasher().update(ciphertext).digest(),
      ciphertextRootHash: ciphertextTree.root,
      shareRootHash: shareTree.root,
    }),
  );
  const layout = immutableShareLayout({ geometry, uriExtensionLength: extension.length, version });
  return Buffer.concat([
    layout.header,
    ...blocks,
    new Uint8Array(layout.sections.plaintextHashTree.size),
    ciphertextTree.bytes,
    blockTree.bytes,
    encodeShareHashChain(shareTree.proof(shareNumber, { includeLeaf: true })),
    encodeUriExtensionSection(version, extension),
  ]);
}

function check(bytes: Uint8Array, shareNumber: number, pieceSize?: number) {
  const share = {
    shareNumber,
    size: bytes.length,
    read: async ({ begin, end }: { begin: number; end: number }) => {
      expect(begin).toBeGreaterThanOrEqual(0);
      expect(end).toBeLessThanOrEqual(bytes.length);
      return bytes.subarray(begin, end);
    },
  };
  return checkShare(share, pieceSize);
}

describe('a share checked against itself', () => {
  it.each([
    { size: 56, segment: 1000, shareNumber: 0, version: 1 as const },
    { size: 10_000, segment: 1000, shareNumber: 9, version: 1 as const },
    { size: 12_345, segment: 999, shareNumber: 4, version: 2 as const },
  ])('is sound as it was made: %o', async (fields) => {
    const share = wholeShare(fields);
    expect(await check(share, fields.shareNumber)).toEqual({ verdict: 'sound' });
    expect(await check(share, fields.shareNumber, 100)).toEqual({ verdict: 'sound' });
  });

  it('under another number is damaged', async () => {
    const share = wholeShare({ size: 5000, segment: 1000, shareNumber: 3, version: 1 });
    expect(await check(share, 4)).toEqual({
      verdict: 'damaged',
      problem: 'its share hash chain does not lead from its blocks to the file',
    });
    expect(await check(share, 10)).toEqual({ verdict: 'damaged', problem: 'the file has no share 10' });
  });

  it('that is no CHK share is opaque', async () => {
    for (const bytes of ['', 'abc', 'hello world', 'a'.repeat(1000)]) {
      expect(await check(Buffer.from(bytes), 0)).toEqual({ verdict: 'opaque' });
    }
  });
});

describe('a share of which one bit has turned', () => {
  const shareNumber = 2;
  const whole = wholeShare({ size: 7_000, segment: 1000, shareNumber, version: 1 });
  const view = new DataView(whole.buffer, whole.byteOffset);
  const plaintextTree = { begin: view.getUint32(16), end: view.getUint32(20) };
  let unseen: (at: number) => boolean;
  beforeAll(() => {
    // Nobody reads these: the size of all blocks (the geometry tells it), where the unused tree begins, and that tree.
    unseen = (at) =>
      (at >= 8 && at < 12) || (at >= 16 && at < 20) || (at >= plaintextTree.begin && at < plaintextTree.end);
  });

  it('is damaged wherever a reader would look, or opaque where its version is gone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), async (at, bit) => {
        const turned = Buffer.from(whole);
        turned[at]! ^= 1 << bit;
        const { verdict } = await check(turned, shareNumber, 512);
        if (at < 4) expect(verdict).not.toBe('sound');
        else if (!unseen(at) && !isUncovered(at)) expect(verdict).toBe('damaged');
      }),
      { numRuns: 1500 },
    );
  });

  it('or that ends too early is damaged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 4, max: whole.length - 1 }), async (length) => {
        expect((await check(whole.subarray(0, length), shareNumber)).verdict).toBe('damaged');
      }),
    );
  });

  /**
   * Of two fields the share alone tells nothing: the hash of the whole ciphertext, and the size within the padding of
   * its last segment.
   */
  function isUncovered(at: number): boolean {
    return ['crypttext_hash:32:', ',size:4:'].some((key) => {
      const value = whole.indexOf(key) + key.length;
      return at >= value && at < value + (key.startsWith(',') ? 4 : 32);
    });
  }
});
