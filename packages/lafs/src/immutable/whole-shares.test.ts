import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ChkReadCapability } from '../capabilities/capability.js';
import { parseCapability } from '../capabilities/parse-capability.js';
import { convergenceHasher } from '../hashing/convergence.js';
import {
  blockHash,
  ciphertextHasher,
  ciphertextSegmentHash,
  uriExtensionHash,
} from '../hashing/immutable-hashes.js';
import { HashTree } from '../merkle/hash-tree.js';
import {
  describeEncoding,
  fromHex,
  type RecordedEncoding,
  recordedEncodings,
  stream,
  toHex,
} from '../testing/fixtures.js';
import { type EncodingGeometry, encodingGeometry } from './encoding-geometry.js';
import { createFileCipher } from './file-cipher.js';
import { immutableShareLayout } from './share-layout.js';
import { encodeShareHashChain, encodeUriExtensionSection } from './share-sections.js';
import { encodeUriExtension, uriExtensionOf } from './uri-extension.js';

const encodings = recordedEncodings().map((each) => ({ each, name: describeEncoding(each) }));

/** The first k shares hold the ciphertext itself, so they can be made here without the erasure code. */
function primaryBlocks(ciphertext: Uint8Array, geometry: EncodingGeometry, share: number): Uint8Array[] {
  const { segmentCount, segmentSize, required } = geometry;
  return Array.from({ length: segmentCount }, (_, segment) => {
    const isTail = segment === segmentCount - 1;
    const padded = new Uint8Array(isTail ? geometry.paddedTailSegmentSize : segmentSize);
    padded.set(ciphertext.subarray(segment * segmentSize, (segment + 1) * segmentSize));
    const blockSize = padded.length / required;
    return padded.subarray(share * blockSize, (share + 1) * blockSize);
  });
}

function encrypt(each: RecordedEncoding, geometry: EncodingGeometry) {
  const plaintext = stream(`file ${each.size}`, each.size);
  const key = convergenceHasher(geometry, fromHex(each.convergenceSecret)).update(plaintext).digest();
  const ciphertext = createFileCipher(key).update(plaintext);
  const segments = Array.from({ length: geometry.segmentCount }, (_, segment) =>
    ciphertext.subarray(segment * geometry.segmentSize, (segment + 1) * geometry.segmentSize),
  );
  const ciphertextTree = HashTree.of(segments.map(ciphertextSegmentHash));
  return { key, ciphertext, ciphertextTree };
}

describe('a file encoded by the peer is made again', () => {
  test.each(encodings)('$name', ({ each }) => {
    const geometry = encodingGeometry(each);
    const { key, ciphertext, ciphertextTree } = encrypt(each, geometry);
    const shareTree = HashTree.of(each.shares.map(({ blockHashRoot }) => fromHex(blockHashRoot)));
    const uriExtension = encodeUriExtension(
      uriExtensionOf(geometry, {
        ciphertextHash: ciphertextHasher().update(ciphertext).digest(),
        ciphertextRootHash: ciphertextTree.root,
        shareRootHash: shareTree.root,
      }),
    );
    expect(toHex(uriExtension)).toBe(each.uriExtension);
    const capability = parseCapability(each.capability) as ChkReadCapability;
    expect(toHex(key)).toBe(toHex(capability.key));
    expect(toHex(uriExtensionHash(uriExtension))).toBe(toHex(capability.uriExtensionHash));

    const { version } = each;
    const layout = immutableShareLayout({ geometry, uriExtensionLength: uriExtension.length, version });
    expect(layout.size).toBe(each.shareSize);
    for (let share = 0; share < each.required; share++) {
      const blocks = primaryBlocks(ciphertext, geometry, share);
      const blockTree = HashTree.of(blocks.map(blockHash));
      expect(toHex(blockTree.root)).toBe(each.shares[share]!.blockHashRoot);
      const bytes = Buffer.concat([
        layout.header,
        ...blocks,
        new Uint8Array(layout.sections.plaintextHashTree.size),
        ciphertextTree.bytes,
        blockTree.bytes,
        encodeShareHashChain(shareTree.proof(share, { includeLeaf: true })),
        encodeUriExtensionSection(version, uriExtension),
      ]);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(each.shares[share]!.sha256);
    }
  });
});
