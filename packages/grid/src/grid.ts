import { type Capability, type ChkReadCapability, storageIndexOf } from '@holdfast/lafs';
import { localCoding } from './coding/local-coding.js';
import { expectManyListeners } from './connections/expect-many-listeners.js';
import { untilAborted } from './connections/until-aborted.js';
import { ChkFile } from './download/chk-file.js';
import { hasSmallShares, openingMemory, readingMemory, segmentsAhead } from './download/download-memory.js';
import { LiteralFile } from './download/literal-file.js';
import type { OpenFile } from './download/open-file.js';
import { SegmentFetcher } from './download/segment-fetcher.js';
import { SegmentsInOrder } from './download/segments-in-order.js';
import { askedFirst, ShareFinder } from './download/share-finder.js';
import { ShareSources } from './download/share-sources.js';
import { NotReadableError } from './errors.js';
import { FileCare, type FileCareOptions } from './file-care.js';
import { takeMemory, takeOpeningMemory } from './memory/transfer-memory.js';
import { type EncodingParameters, uploadFile } from './upload/upload-file.js';

/** What a grid client works with. */
export interface GridOptions extends FileCareOptions {
  readonly encoding: EncodingParameters;
  /** The node's `private/convergence`. */
  readonly convergenceSecret: Uint8Array;
  /** Where large files wait while their key is worked out. */
  readonly spoolDir: string;
}

/** What is known of an upload before it begins. */
export interface UploadRequest {
  /** Most bytes that will come, where that is known: small files need not wait for the memory of large ones. */
  readonly atMost?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The client side of a grid: stores files, opens them, and keeps them healthy. */
export class Grid extends FileCare {
  readonly #options: GridOptions;

  constructor(options: GridOptions) {
    super(options);
    this.#options = options;
  }

  /**
   * Stores a file.
   *
   * @returns its capability as text
   * @throws NotEnoughServersError, OverloadedError, NotEnoughMemoryError, the source's own error, or the signal's
   *   reason; nothing stays half stored
   */
  upload(source: AsyncIterable<Uint8Array>, { atMost, signal }: UploadRequest = {}): Promise<string> {
    expectManyListeners(signal);
    const { servers, encoding, convergenceSecret, spoolDir, memory, coding } = this.#options;
    return uploadFile(source, {
      encoding,
      convergenceSecret,
      spoolDir,
      memory,
      coding,
      buffers: this.buffers,
      atMost,
      signal,
      serversFor: (storageIndex) => servers.vouchedFor(storageIndex),
    });
  }

  /**
   * Finds a file's shares and checks enough of them that reading can begin. The file is to be closed after use.
   *
   * @param signal ends opening and reading at once
   *
   * @throws NotEnoughSharesError, NotReadableError for a verify capability, OverloadedError where other transfers hold
   *   the memory for too long, NotEnoughMemoryError where the file's segments never fit into it, or the signal's reason
   */
  async open(capability: Capability, { signal }: { signal?: AbortSignal } = {}): Promise<OpenFile> {
    expectManyListeners(signal);
    if (capability.kind === 'LIT') return new LiteralFile(capability);
    if (capability.kind === 'CHK-Verifier') throw new NotReadableError();
    const opening = await takeOpeningMemory(this.#options.memory, openingMemory(capability), {
      what: `opening a file of ${capability.size} bytes`,
      signal,
    });
    try {
      return await this.#openShares(capability, signal);
    } finally {
      opening.release();
    }
  }

  async #openShares(capability: ChkReadCapability, signal: AbortSignal | undefined): Promise<OpenFile> {
    const storageIndex = storageIndexOf(capability);
    const servers = this.#options.servers
      .connectedFor(storageIndex)
      .map((server) => untilAborted(server, signal));
    const small = hasSmallShares(capability);
    const first = askedFirst(capability, servers.length, small);
    const finder = new ShareFinder(storageIndex, servers, first, small);
    const { logger } = this.#options;
    const sources = new ShareSources(capability, storageIndex, finder, logger, signal, this.buffers);
    try {
      return await this.#read(capability, sources, signal);
    } catch (error) {
      sources.close();
      throw error;
    }
  }

  async #read(
    capability: ChkReadCapability,
    sources: ShareSources,
    signal: AbortSignal | undefined,
  ): Promise<OpenFile> {
    const { working } = this.#options.memory;
    const description = await sources.start();
    const { geometry } = description;
    // Where memory is short, many slow readers are better than a few quick ones.
    const usual = segmentsAhead(geometry);
    const isShort = working.taken + readingMemory(capability, geometry, usual) > (working.size * 2) / 3;
    const ahead = isShort ? 1 : usual;
    const reservation = await takeMemory(working, readingMemory(capability, geometry, ahead), {
      what: `reading a file with segments of ${geometry.segmentSize} bytes`,
      signal,
    });
    // A file of one segment is small, as a rule: decoded sooner than another thread is told of it.
    const coding = geometry.segmentCount > 1 ? this.#options.coding : localCoding;
    const decoding = coding.decode(geometry, capability.key);
    const fetcher = new SegmentFetcher({ sources, description, decoding, proved: true, signal });
    return new ChkFile(geometry, new SegmentsInOrder(fetcher, ahead), () => {
      sources.close();
      decoding.close();
      reservation.release();
    });
  }
}
