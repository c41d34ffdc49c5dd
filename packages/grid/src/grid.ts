import { setMaxListeners } from 'node:events';
import type { Logger } from '@holdfast/common/logging';
import { type Capability, type ChkReadCapability, storageIndexOf, verifyCapabilityOf } from '@holdfast/lafs';
import { checkFile } from './check/check-file.js';
import type { CheckedFile, CheckResults, StorageIndexOnly } from './check/check-results.js';
import { literalResults } from './check/count-findings.js';
import type { Coding } from './coding/coding.js';
import type { ServerSet } from './connections/server-set.js';
import { untilAborted } from './connections/until-aborted.js';
import { ChkFile } from './download/chk-file.js';
import { Ciphertext } from './download/ciphertext.js';
import { hasSmallShares, openingMemory, readingMemory, segmentsAhead } from './download/download-memory.js';
import { LiteralFile } from './download/literal-file.js';
import type { OpenFile } from './download/open-file.js';
import { SegmentFetcher } from './download/segment-fetcher.js';
import { ShareFinder } from './download/share-finder.js';
import { ShareSources } from './download/share-sources.js';
import { NotReadableError } from './errors.js';
import { BufferPool } from './memory/buffer-pool.js';
import { type TransferMemory, takeMemory } from './memory/transfer-memory.js';
import { type Pace, unlimited } from './repair/pace.js';
import { repairFile } from './repair/repair-file.js';
import { nothingToRepair, type RepairResults } from './repair/repair-results.js';
import { type EncodingParameters, uploadFile } from './upload/upload-file.js';

/** What a grid client works with. */
export interface GridOptions {
  readonly servers: ServerSet;
  readonly encoding: EncodingParameters;
  /** The node's `private/convergence`. */
  readonly convergenceSecret: Uint8Array;
  /** Where large files wait while their key is worked out. */
  readonly spoolDir: string;
  /** What the buffers of all uploads and downloads are taken from. */
  readonly memory: TransferMemory;
  /** Does the work with the bytes of large files. */
  readonly coding: Coding;
  readonly logger: Logger;
}

/** What is known of an upload before it begins. */
export interface UploadRequest {
  /** Most bytes that will come, where that is known: small files need not wait for the memory of large ones. */
  readonly atMost?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a file is checked. */
export interface CheckRequest {
  /** Whether every byte of every share is read. */
  readonly verify?: boolean | undefined;
  /** Whether the leases of this node on the file's good shares are renewed. */
  readonly addLease?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a file is repaired. */
export interface RepairRequest extends CheckRequest {
  /** What a check has found before: shares that it found wrong are believed to be, the rest is looked at again. */
  readonly checked?: CheckResults | undefined;
  readonly pace?: Pace | undefined;
}

/** The client side of a grid: stores files, opens them, and keeps them healthy. */
export class Grid {
  readonly #options: GridOptions;
  readonly #buffers: BufferPool;

  constructor(options: GridOptions) {
    this.#options = options;
    this.#buffers = new BufferPool(options.coding.buffer, options.memory.working.size);
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
      buffers: this.#buffers,
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
    const beginning = await takeMemory(this.#options.memory.beginning, openingMemory(capability), {
      what: `opening a file of ${capability.size} bytes`,
      signal,
    });
    try {
      return await this.#openShares(capability, signal);
    } finally {
      beginning.release();
    }
  }

  /**
   * Looks how a file is doing: which shares of it servers hold and, with `verify`, whether every byte of them is right.
   * Servers whose shares are wrong are told so.
   *
   * @param file a read capability counts as the verify capability in it; a literal is always healthy
   * @throws OverloadedError, NotEnoughMemoryError, or the signal's reason
   */
  async check(
    file: Capability | StorageIndexOnly,
    { verify = false, addLease = false, signal }: CheckRequest = {},
  ): Promise<CheckResults> {
    expectManyListeners(signal);
    if (file.kind === 'LIT') return literalResults();
    return checkFile(checkedFile(file), { ...this.#options, verify, addLease, signal });
  }

  /**
   * Puts what a file lacks where it belongs: makes missing and wrong shares anew from any k good ones, spreads shares
   * that are piled on one server, and copies those that only leaving servers have. It takes no more than the right to
   * check the file.
   *
   * @param file a read capability counts as the verify capability in it; a literal lacks nothing
   * @throws NotRecoverableError, WrongFileError, OverloadedError, NotEnoughMemoryError, or the signal's reason; nothing
   *   stays half stored
   */
  async repair(
    file: Capability | StorageIndexOnly,
    { verify = false, addLease = false, checked, pace = unlimited, signal }: RepairRequest = {},
  ): Promise<RepairResults> {
    expectManyListeners(signal);
    if (file.kind === 'LIT') return nothingToRepair(literalResults());
    const knownCorrupt = checked?.corruptShares ?? [];
    const buffers = this.#buffers;
    return repairFile(checkedFile(file), {
      ...this.#options,
      buffers,
      verify,
      addLease,
      knownCorrupt,
      pace,
      signal,
    });
  }

  async #openShares(capability: ChkReadCapability, signal: AbortSignal | undefined): Promise<OpenFile> {
    const { working } = this.#options.memory;
    const storageIndex = storageIndexOf(capability);
    const servers = this.#options.servers
      .connectedFor(storageIndex)
      .map((server) => untilAborted(server, signal));
    const first = capability.required + 1;
    const finder = new ShareFinder(storageIndex, servers, first, hasSmallShares(capability));
    const sources = new ShareSources(capability, storageIndex, finder, this.#options.logger, signal);
    const description = await sources.start();
    const { geometry } = description;
    // Where memory is short, many slow readers are better than a few quick ones.
    const usual = segmentsAhead(geometry);
    const isShort = working.taken + readingMemory(capability, geometry, usual) > working.size / 2;
    const ahead = isShort ? 1 : usual;
    const reservation = await takeMemory(working, readingMemory(capability, geometry, ahead), {
      what: `reading a file with segments of ${geometry.segmentSize} bytes`,
      signal,
    });
    const fetcher = new SegmentFetcher(sources, capability.required, signal);
    const ciphertext = new Ciphertext(description, fetcher, ahead);
    return new ChkFile(capability, description, ciphertext, () => reservation.release());
  }
}

/** What a file is to be checked by: never more authority than that takes. */
function checkedFile(file: Exclude<Capability, { kind: 'LIT' }> | StorageIndexOnly): CheckedFile {
  return file.kind === 'storage-index' ? file : verifyCapabilityOf(file);
}

/** Every request of a transfer listens to its signal: more than Node.js, which warns of leaks, expects. */
function expectManyListeners(signal: AbortSignal | undefined): void {
  if (signal) setMaxListeners(0, signal);
}
