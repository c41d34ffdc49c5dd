import {
  blockHash,
  blockSizeOf,
  type ChkReadCapability,
  parseHashTree,
  parseShareHashChain,
  parseShareHeader,
  parseUriExtensionSection,
  type ShareHeader,
  VerifyingHashTree,
} from '@holdfast/lafs';
import { firstReadOf, longestUriExtension, mostHashes } from './download-memory.js';
import { BadShareError, describeFile, type FileDescription } from './file-description.js';
import type { FoundShare } from './found-share.js';

/** One share, opened: its hashes lead to the capability, and each block read is checked against them. */
export class ShareReader {
  private constructor(
    readonly share: FoundShare,
    readonly description: FileDescription,
    private readonly storageIndex: Uint8Array,
    private readonly header: ShareHeader,
    private readonly blockTree: VerifyingHashTree,
    /** The first bytes of the share, as far as opening it needed them. */
    private readonly beginning: Uint8Array,
  ) {}

  /**
   * Reads a share's header and hashes and checks them.
   *
   * @param known the file's description, where another share has brought it already
   * @throws StorageServerError, or an error that says what is wrong with the share
   */
  static async open(
    share: FoundShare,
    storageIndex: Uint8Array,
    capability: ChkReadCapability,
    known: FileDescription | undefined,
  ): Promise<ShareReader> {
    const { server, shareNumber } = share;
    if (shareNumber >= capability.total) throw new BadShareError(`the file has no share ${shareNumber}`);
    const firstRead = firstReadOf(capability);
    const beginning = await server.read(storageIndex, shareNumber, 0, firstRead);
    const header = parseShareHeader(beginning);
    const { ciphertextHashTree, blockHashTree, shareHashChain } = header.sections;
    const start = ciphertextHashTree.offset;
    if (header.uriExtension.offset - start > mostHashes(capability.size)) {
      throw new BadShareError('its hashes would be far larger than a file of this size has');
    }
    const end = header.uriExtension.offset + header.uriExtension.lengthSize + longestUriExtension;
    const wholeShareRead = beginning.length < firstRead;
    const tail = wholeShareRead
      ? beginning.subarray(start)
      : await server.read(storageIndex, shareNumber, start, end);
    const section = ({ offset, size }: { offset: number; size: number }) =>
      tail.subarray(offset - start, offset - start + size);

    const block = parseUriExtensionSection(header.version, tail.subarray(header.uriExtension.offset - start));
    const description = known ?? describeFile(block, capability);
    const { geometry, shareTree, ciphertextTree } = description;
    checkForm(header, geometry);
    if (
      ciphertextTree.leaf(0) === undefined ||
      ciphertextTree.leaf(geometry.segmentCount - 1) === undefined
    ) {
      ciphertextTree.add({ nodes: parseHashTree(section(ciphertextHashTree)) });
    }
    shareTree.add({ nodes: parseShareHashChain(section(shareHashChain)) });
    const root = shareTree.leaf(shareNumber);
    if (!root) throw new BadShareError('its hash chain does not hold its own hash');
    const blockTree = new VerifyingHashTree(geometry.segmentCount, root);
    blockTree.add({ nodes: parseHashTree(section(blockHashTree)) });
    return new ShareReader(share, description, storageIndex, header, blockTree, beginning);
  }

  /**
   * One segment's block.
   *
   * @throws StorageServerError, or BadShareError where its hash is wrong
   */
  async block(segment: number): Promise<Uint8Array> {
    const { geometry } = this.description;
    const size = blockSizeOf(geometry, segment);
    const start = this.header.sections.data.offset + segment * geometry.blockSize;
    const { server, shareNumber } = this.share;
    const block =
      start + size <= this.beginning.length
        ? this.beginning.subarray(start, start + size)
        : await server.read(this.storageIndex, shareNumber, start, start + size);
    const expected = this.blockTree.leaf(segment);
    if (!expected || block.length !== size || Buffer.compare(blockHash(block), expected) !== 0) {
      throw new BadShareError(`block ${segment} is not what its hash says`);
    }
    return block;
  }
}

/** The header is covered by no hash: what it says must be what the file's geometry says. */
function checkForm(header: ShareHeader, geometry: FileDescription['geometry']): void {
  if (header.blockSize !== geometry.blockSize || header.sections.data.size < geometry.shareDataSize) {
    throw new BadShareError('its header contradicts the file’s description');
  }
}
