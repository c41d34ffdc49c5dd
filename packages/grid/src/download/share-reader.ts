import {
  blockHash,
  blockSizeOf,
  type ChkCapability,
  HashTree,
  hashSize,
  leafNode,
  longestShareHeader,
  paddedLeafCount,
  parseShareHashChain,
  parseShareHeader,
  proofNodes,
  type ShareHeader,
  type ShareVersion,
  treeNodeCount,
} from '@holdfast/lafs';
import type { BufferPool } from '../memory/buffer-pool.js';
import { firstReadOf } from './download-memory.js';
import { BadShareError, describeFile, type FileDescription } from './file-description.js';
import type { FoundShare } from './found-share.js';
import { HashSection } from './hash-section.js';
import { JoinedReads } from './joined-reads.js';
import { firstNodes, LeafHashes } from './leaf-hashes.js';
import { readShareTail } from './share-tail.js';

/** What a share is opened with. */
export interface ShareReaderOptions {
  /** The file's description, where another share has brought it already. */
  readonly known?: FileDescription | undefined;
  /** Memory for blocks, for whoever releases them. */
  readonly buffers?: BufferPool | undefined;
  /** Ends whatever is read of it but its blocks, for which each reader has a signal. */
  readonly signal?: AbortSignal | undefined;
}

/** One share, opened: its hashes lead to the capability, and tell what each of its blocks must hash to. */
export class ShareReader {
  private constructor(
    readonly share: FoundShare,
    private told: FileDescription,
    private readonly storageIndex: Uint8Array,
    private readonly header: ShareHeader,
    private readonly blockHashes: HashSection,
    private readonly segmentHashesOf: (description: FileDescription) => HashSection,
    /** The first bytes of the share, as far as opening it needed them. */
    private readonly beginning: Uint8Array,
    private readonly signal: AbortSignal | undefined,
    buffers: BufferPool | undefined,
  ) {
    this.segmentHashes = segmentHashesOf(told);
    this.reads = new JoinedReads(share.server, storageIndex, share.shareNumber, buffers);
  }

  private readonly reads: JoinedReads;

  private segmentHashes: HashSection;

  private answered = performance.now();

  /** When it last gave what it was asked for, as `performance.now()` says it. */
  get answeredAt(): number {
    return this.answered;
  }

  /** In which form its numbers stand. */
  get version(): ShareVersion {
    return this.header.version;
  }

  /** What is known of the file. */
  get description(): FileDescription {
    return this.told;
  }

  /**
   * Shares that are opened at the same time each describe the file; those that are read together go by one, which knows all
   * that each of them has proved of the others.
   */
  goBy(description: FileDescription): void {
    if (description === this.told) return;
    const { total } = description.geometry;
    const { shareNumber } = this.share;
    const { shareTree } = this.told;
    description.shareTree.add({
      nodes: [leafNode(total, shareNumber), ...proofNodes(total, shareNumber)].flatMap((node) => {
        const hash = shareTree.node(node);
        return hash ? [[node, hash] as const] : [];
      }),
    });
    this.told = description;
    this.segmentHashes = this.segmentHashesOf(description);
  }

  /**
   * Reads a share's header and hashes and checks them.
   *
   * @throws StorageServerError, or an error that says what is wrong with the share
   */
  static async open(
    share: FoundShare,
    storageIndex: Uint8Array,
    capability: ChkCapability,
    { known, buffers, signal }: ShareReaderOptions,
  ): Promise<ShareReader> {
    const { server, shareNumber } = share;
    if (shareNumber >= capability.total) throw new BadShareError(`the file has no share ${shareNumber}`);
    const firstRead = share.data ? longestShareHeader : firstReadOf(capability);
    const beginning = share.data ?? (await server.read(storageIndex, shareNumber, 0, firstRead, signal));
    const header = parseShareHeader(beginning);
    const wholeShareRead = share.data !== undefined || beginning.length < firstRead;
    const read = (start: number, end: number) =>
      wholeShareRead
        ? beginning.subarray(start, end)
        : server.read(storageIndex, shareNumber, start, end, signal);
    const tail = await readShareTail(header, capability.size, read);
    const description = known ?? describeFile(tail.uriExtension, capability);
    const { geometry, shareTree, segmentHashes } = description;
    checkForm(header, geometry);
    if (!segmentHashes.begun) begin(segmentHashes, tail.ciphertextHashes, geometry);
    shareTree.add({ nodes: parseShareHashChain(tail.shareHashChain) });
    const root = shareTree.leaf(shareNumber);
    if (!root) throw new BadShareError('its hash chain does not hold its own hash');
    const blockHashes = new LeafHashes(geometry.segmentCount, root);
    begin(blockHashes, tail.blockHashes, geometry);
    const section = (hashes: LeafHashes, { offset }: { offset: number }) =>
      new HashSection(hashes, async (start, end) => read(offset + start, offset + end));
    return new ShareReader(
      share,
      description,
      storageIndex,
      header,
      section(blockHashes, header.sections.blockHashTree),
      (described) => section(described.segmentHashes, header.sections.ciphertextHashTree),
      beginning,
      signal,
      buffers,
    );
  }

  /**
   * The share's two hash trees, whole.
   *
   * @throws StorageServerError; BadShareError where a node is wrong
   */
  async hashTrees(): Promise<{ readonly ciphertextTree: Uint8Array; readonly blockTree: Uint8Array }> {
    const { server, shareNumber } = this.share;
    const { geometry, shareTree, hashes } = this.description;
    const section = ({ offset, size }: { offset: number; size: number }) =>
      offset + size <= this.beginning.length
        ? this.beginning.subarray(offset, offset + size)
        : server.read(this.storageIndex, shareNumber, offset, offset + size, this.signal);
    const { ciphertextHashTree, blockHashTree } = this.header.sections;
    const [ciphertextTree, blockTree] = await Promise.all([
      section(ciphertextHashTree),
      section(blockHashTree),
    ]);
    if (
      !isTree(ciphertextTree, geometry.segmentCount, hashes.ciphertextRootHash) ||
      !isTree(blockTree, geometry.segmentCount, shareTree.leaf(shareNumber))
    )
      throw new BadShareError('its hash trees are not those of the file');
    return { ciphertextTree, blockTree };
  }

  /**
   * One segment's block, checked.
   *
   * @throws StorageServerError, also where the signal ends it; BadShareError where its hash is wrong
   */
  async block(segment: number, signal: AbortSignal): Promise<Uint8Array> {
    const { block, hash } = await this.unprovedBlock(segment, signal);
    if (Buffer.compare(blockHash(block), hash) !== 0) throw wrongBlock(segment);
    return block;
  }

  /**
   * One segment's block, and what it must hash to.
   *
   * @throws StorageServerError, also where the signal ends it; BadShareError where it is not as long as it must be
   */
  async unprovedBlock(
    segment: number,
    signal: AbortSignal,
  ): Promise<{ block: Uint8Array; hash: Uint8Array; release: () => void }> {
    const { geometry } = this.description;
    const size = blockSizeOf(geometry, segment);
    const start = this.header.sections.data.offset + segment * geometry.blockSize;
    const reading =
      start + size <= this.beginning.length
        ? Promise.resolve({ bytes: this.beginning.subarray(start, start + size), release: () => undefined })
        : this.reads.read(start, start + size, signal);
    const hashes = Promise.all([
      this.blockHashes.leaf(segment),
      // For whoever decodes the segment: it is to be there when its blocks are.
      this.segmentHashes.leaf(segment),
    ]);
    const [{ bytes: block, release }, [expected]] = await Promise.all([reading, hashes]).catch((error) => {
      reading.then((lent) => lent.release()).catch(() => undefined);
      throw error;
    });
    if (!expected || block.length !== size) {
      release();
      throw wrongBlock(segment);
    }
    this.answered = performance.now();
    return { block, hash: expected, release };
  }
}

/** For a share one of whose blocks is not what its hash says. */
export function wrongBlock(segment: number): BadShareError {
  return new BadShareError(`block ${segment} is not what its hash says`);
}

/** Whether a section holds exactly the tree that is over its own leaves and has that root. */
function isTree(section: Uint8Array, leafCount: number, root: Uint8Array | undefined): boolean {
  const first = treeNodeCount(leafCount) - paddedLeafCount(leafCount);
  const tree = new HashTree(section.subarray(first * hashSize, (first + leafCount) * hashSize));
  return (
    root !== undefined && Buffer.compare(tree.root, root) === 0 && Buffer.compare(tree.bytes, section) === 0
  );
}

/** The header is covered by no hash: what it says must be what the file's geometry says. */
function checkForm({ blockSize, sections }: ShareHeader, geometry: FileDescription['geometry']): void {
  const { data, ciphertextHashTree, blockHashTree } = sections;
  const treeSize = treeNodeCount(geometry.segmentCount) * hashSize;
  if (
    blockSize !== geometry.blockSize ||
    data.size < geometry.shareDataSize ||
    ciphertextHashTree.size !== treeSize ||
    blockHashTree.size !== treeSize
  ) {
    throw new BadShareError('its header contradicts the file’s description');
  }
}

function begin(hashes: LeafHashes, nodes: Uint8Array, { segmentCount }: FileDescription['geometry']): void {
  const { count } = firstNodes(treeNodeCount(segmentCount));
  if (nodes.length !== count * hashSize) throw new BadShareError('its hash trees are cut off');
  hashes.begin(nodes);
}
