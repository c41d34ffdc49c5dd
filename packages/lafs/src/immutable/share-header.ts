import { hashSize } from '../hashing/sha256.js';
import { type ShareVersion, shareForms } from './share-form.js';
import type { ShareSection } from './share-layout.js';
import { ShareLayoutError } from './share-layout-error.js';
import { shareChainEntrySize } from './share-sections.js';

/** What the first bytes of a share say. Nothing in them is covered by a hash: they are only hints. */
export interface ShareHeader {
  readonly version: ShareVersion;
  /** Bytes of the header. */
  readonly headerSize: number;
  /** Bytes of a block and of all blocks, as the uploader wrote them. */
  readonly blockSize: number;
  readonly shareDataSize: number;
  /** Every section but the last; a section ends where the next one starts. */
  readonly sections: {
    readonly data: ShareSection;
    readonly plaintextHashTree: ShareSection;
    readonly ciphertextHashTree: ShareSection;
    readonly blockHashTree: ShareSection;
    readonly shareHashChain: ShareSection;
  };
  /** The last section: `offset` is where its length of `lengthSize` bytes stands, the block follows. */
  readonly uriExtension: { readonly offset: number; readonly lengthSize: 4 | 8 };
}

/**
 * Reads the header of a share (see {@link immutableShareLayout} for its form).
 *
 * @param bytes the start of the share: 36 bytes for version 1, 68 for version 2; more are passed over
 * @throws {@link ShareLayoutError} also where sections overlap, or hashes would not fill theirs
 */
export function parseShareHeader(bytes: Uint8Array): ShareHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) throw truncated(4, bytes.length);
  const version = view.getUint32(0);
  if (version !== 1 && version !== 2) {
    throw new ShareLayoutError('unknown-version', `expected version 1 or 2, found ${version}`);
  }
  const { headerSize, numberSize, read } = shareForms[version];
  if (bytes.length < headerSize) throw truncated(headerSize, bytes.length);
  const numbers = Array.from({ length: 8 }, (_, index) => read(view, 4 + index * numberSize));
  const [blockSize, shareDataSize, ...offsets] = numbers as [number, number, ...number[]];
  checkOffsets(offsets, headerSize);
  const section = (index: number): ShareSection => ({
    offset: offsets[index]!,
    size: offsets[index + 1]! - offsets[index]!,
  });
  const sections = {
    data: section(0),
    plaintextHashTree: section(1),
    ciphertextHashTree: section(2),
    blockHashTree: section(3),
    shareHashChain: section(4),
  };
  checkWhole('ciphertext hash tree', sections.ciphertextHashTree, hashSize);
  checkWhole('block hash tree', sections.blockHashTree, hashSize);
  checkWhole('share hash chain', sections.shareHashChain, shareChainEntrySize);
  const uriExtension = { offset: offsets[5]!, lengthSize: numberSize };
  return { version, headerSize, blockSize, shareDataSize, sections, uriExtension };
}

function checkOffsets(offsets: readonly number[], headerSize: number): void {
  let last = headerSize;
  for (const offset of offsets) {
    if (!Number.isSafeInteger(offset) || offset < last) {
      throw new ShareLayoutError('malformed', `expected an offset of at least ${last}, found ${offset}`);
    }
    last = offset;
  }
}

function checkWhole(name: string, section: ShareSection, unit: number): void {
  if (section.size === 0 || section.size % unit !== 0) {
    throw new ShareLayoutError('malformed', `${name}: expected whole entries of ${unit} bytes`);
  }
}

function truncated(expected: number, found: number): ShareLayoutError {
  return new ShareLayoutError('truncated', `expected ${expected} bytes of header, found ${found}`);
}
