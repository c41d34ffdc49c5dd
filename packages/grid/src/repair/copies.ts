import type { Logger } from '@holdfast/common/logging';
import type { CorruptShare } from '../check/check-results.js';
import { reportCorrupt } from '../check/report-corrupt.js';
import { locate } from '../check/sorted-shares.js';
import type { StorageServer } from '../connections/storage-server.js';
import type { FoundShare } from '../download/found-share.js';
import { StorageServerError } from '../errors.js';
import { takeMemory } from '../memory/transfer-memory.js';
import { openUploads } from '../upload/send-shares.js';
import type { SharePlacing } from '../upload/share-placing.js';
import { copyingMemory, copyShare } from './copy-share.js';
import type { OpenedFile } from './opened-file.js';
import { type RebuildOptions, settleUploads } from './rebuild-shares.js';

/** Shares of one file that are copied at a time. */
const copiedAtOnce = 3;

/** What copying shares needs. */
export interface CopyOptions extends Pick<RebuildOptions, 'memory' | 'pace' | 'signal'> {
  readonly logger: Logger;
}

/** The shares of one file that are copied whole. */
export class Copies {
  /** Numbers of shares that were copied. */
  readonly made = new Set<number>();
  readonly corrupt: CorruptShare[] = [];
  readonly #file: OpenedFile;
  readonly #options: CopyOptions;
  #sources: readonly FoundShare[];

  constructor(file: OpenedFile, sources: readonly FoundShare[], options: CopyOptions) {
    this.#file = file;
    this.#sources = sources;
    this.#options = options;
  }

  /** Copies every share that has a place and a good copy elsewhere. One whose source fails is left for another round. */
  async make(placing: SharePlacing): Promise<void> {
    const { memory, signal } = this.#options;
    const waiting = [...placing.toWrite].filter(([share]) => this.#sourceOf(share));
    if (waiting.length === 0) return;
    const atOnce = Math.min(copiedAtOnce, waiting.length);
    const each = copyingMemory(this.#file.description.geometry, this.#file.layout.size);
    const working = await takeMemory(memory.working, atOnce * each, { what: 'copying shares', signal });
    const copyInTurn = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await this.#copy(...next, placing);
    };
    try {
      const turns = await Promise.allSettled(Array.from({ length: atOnce }, copyInTurn));
      for (const turn of turns) if (turn.status === 'rejected') throw turn.reason;
    } finally {
      working.release();
    }
  }

  #sourceOf(share: number): FoundShare | undefined {
    return this.#sources.find(({ shareNumber }) => shareNumber === share);
  }

  async #copy(shareNumber: number, server: StorageServer, placing: SharePlacing): Promise<void> {
    const source = this.#sourceOf(shareNumber);
    if (!source) return;
    const { capability, description, layout } = this.#file;
    const { signal, logger } = this.#options;
    const { storageIndex } = capability;
    const sizes = { shareSize: layout.size, largestPart: description.geometry.blockSize };
    const buffer = (length: number) => Buffer.allocUnsafeSlow(length);
    const common = { storageIndex, uploadSecret: placing.uploadSecret, ...sizes, buffer, signal };
    const uploads = openUploads(new Map([[shareNumber, server]]), common);
    try {
      for (const upload of uploads) {
        await copyShare(source, upload, this.#file, this.#options);
        await upload.finish();
        if (!upload.failure) this.made.add(shareNumber);
      }
    } catch (error) {
      const givenUp = Promise.allSettled(uploads.map((upload) => upload.abort(error as Error)));
      placing.released(shareNumber);
      // Nobody is left who would wait for servers to answer.
      signal?.throwIfAborted();
      await givenUp;
      this.#sources = this.#sources.filter((share) => share !== source);
      if (error instanceof StorageServerError) return;
      const { message: reason } = error as Error;
      this.corrupt.push({ ...locate(source), reason });
      reportCorrupt(source, storageIndex, reason, logger);
      return;
    }
    settleUploads(uploads, placing);
  }
}
