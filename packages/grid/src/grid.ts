import type { Logger } from '@holdfast/common/logging';
import { type Capability, storageIndexOf } from '@holdfast/lafs';
import type { ServerSet } from './connections/server-set.js';
import { ChkFile } from './download/chk-file.js';
import { LiteralFile } from './download/literal-file.js';
import type { OpenFile } from './download/open-file.js';
import { SegmentFetcher } from './download/segment-fetcher.js';
import { ShareFinder } from './download/share-finder.js';
import { ShareSources } from './download/share-sources.js';
import { NotReadableError, WrongFileError } from './errors.js';
import { type EncodingParameters, uploadFile } from './upload/upload-file.js';

/** Largest segment that is read, in bytes: a segment is held in memory whole, and whoever made the file chose it. */
const largestSegment = 64 * 1024 * 1024;

/** What a grid client works with. */
export interface GridOptions {
  readonly servers: ServerSet;
  readonly encoding: EncodingParameters;
  /** The node's `private/convergence`. */
  readonly convergenceSecret: Uint8Array;
  /** Where large files wait while their key is worked out. */
  readonly spoolDir: string;
  readonly logger: Logger;
}

/** The client side of a grid: stores files and opens them. */
export class Grid {
  readonly #options: GridOptions;

  constructor(options: GridOptions) {
    this.#options = options;
  }

  /**
   * Stores a file.
   *
   * @returns its capability as text
   * @throws NotEnoughServersError, the source's own error, or the signal's reason; nothing stays half stored
   */
  upload(source: AsyncIterable<Uint8Array>, { signal }: { signal?: AbortSignal } = {}): Promise<string> {
    const { servers, encoding, convergenceSecret, spoolDir } = this.#options;
    return uploadFile(source, {
      encoding,
      convergenceSecret,
      spoolDir,
      signal,
      serversFor: (storageIndex) => servers.connectedFor(storageIndex),
    });
  }

  /**
   * Finds a file's shares and checks enough of them that reading can begin.
   *
   * @throws NotEnoughSharesError, or NotReadableError for a verify capability
   */
  async open(capability: Capability): Promise<OpenFile> {
    if (capability.kind === 'LIT') return new LiteralFile(capability);
    if (capability.kind === 'CHK-Verifier') throw new NotReadableError();
    const storageIndex = storageIndexOf(capability);
    const servers = this.#options.servers.connectedFor(storageIndex);
    const finder = new ShareFinder(storageIndex, servers, capability.required + 1);
    const sources = new ShareSources(capability, storageIndex, finder, this.#options.logger);
    const description = await sources.start();
    const { segmentSize } = description.geometry;
    if (segmentSize > largestSegment) {
      throw new WrongFileError(
        `it has segments of ${segmentSize} bytes; ${largestSegment} are the most that are read`,
      );
    }
    return new ChkFile(capability, description, new SegmentFetcher(sources, capability.required));
  }
}
