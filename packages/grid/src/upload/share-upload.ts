import { type JoinedSignal, joinSignals } from '@holdfast/common/lifecycle';
import type { StorageServer } from '../connections/storage-server.js';
import { StorageServerError } from '../errors.js';

/**
 * Bytes sent in one request, about. Smaller costs requests, larger memory: with three pieces of 640 KiB a share, the same
 * memory, the servers took a quarter more processor time.
 */
const usualPieceSize = 1024 * 1024;
/** Pieces of one share in memory: one being filled, the other being sent. */
const pieceCount = 2;

/** What a share upload is made with. */
export interface ShareUploadOptions {
  readonly shareNumber: number;
  readonly server: StorageServer;
  readonly storageIndex: Uint8Array;
  readonly uploadSecret: Uint8Array;
  /** Bytes of the whole share. */
  readonly shareSize: number;
  /** Bytes of the largest part that `room` will be asked for. */
  readonly largestPart: number;
  /** Makes a buffer of so many bytes, of what is sent to the server of this id. */
  readonly buffer: (size: number, seenBy: string) => Uint8Array;
  /** Ends the upload: nothing more is sent. */
  readonly signal: AbortSignal | undefined;
}

/** One for all: to abort without a reason makes an error with its stack. */
const unwanted = new Error('the share is given up');

/** Bytes of one piece of a share: whole parts, so that each is put down in one place. */
function pieceSizeOf(shareSize: number, largestPart: number): number {
  const parts = Math.max(1, Math.round(usualPieceSize / largestPart));
  return Math.min(shareSize, parts * largestPart);
}

/** Bytes of memory that one share on its way holds at most. */
export function shareUploadMemory(shareSize: number, largestPart: number): number {
  const piece = pieceSizeOf(shareSize, largestPart);
  return piece < shareSize ? pieceCount * piece : piece;
}

/**
 * A share on its way to one server. Its bytes are put down in order, in pieces that are sent one at a time.
 *
 * The pieces' memory is used again and again: with new memory for each, a file of 100 MB had the garbage collector
 * look through everything a dozen times, a quarter of the broker's work.
 */
export class ShareUpload {
  readonly shareNumber: number;
  readonly server: StorageServer;
  readonly #options: ShareUploadOptions;
  readonly #pieceSize: number;
  readonly #free: Uint8Array[] = [];
  #pieces = 0;
  #filling: Uint8Array | undefined;
  /** What is still to be put down in it. */
  #unfilled: Promise<unknown>[] = [];
  #filled = 0;
  #offset = 0;
  #sending: Promise<void> = Promise.resolve();
  #freed: () => void = () => undefined;
  #complete = false;
  #failure: Error | undefined;
  readonly #givingUp = new AbortController();
  readonly #ending: JoinedSignal;

  constructor(options: ShareUploadOptions) {
    const { signal } = options;
    this.#ending = joinSignals(signal ? [signal, this.#givingUp.signal] : [this.#givingUp.signal]);
    this.shareNumber = options.shareNumber;
    this.server = options.server;
    this.#options = options;
    this.#pieceSize = pieceSizeOf(options.shareSize, options.largestPart);
  }

  /** Why the server does not get this share; undefined while all is well. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * The place for the next `size` bytes of the share, to be filled before the next call, or as `filledWhen` is told.
   * Waits while earlier pieces are being sent and no memory is free. A failure is remembered, not thrown: the other
   * shares go on, and what is put down here goes nowhere.
   */
  async room(size: number): Promise<Uint8Array> {
    if (this.#filling && this.#filled + size > this.#filling.length) this.#send();
    this.#filling ??= await this.#takePiece();
    const place = this.#filling.subarray(this.#filled, this.#filled + size);
    this.#filled += size;
    return place;
  }

  /** @param filled resolves when the place that was given last is filled; nothing of its piece is sent before */
  filledWhen(filled: Promise<unknown>): void {
    this.#unfilled.push(filled);
  }

  /** Puts down the next bytes of the share, of any length. */
  async append(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const left = this.#filling ? this.#filling.length - this.#filled : 0;
      const part = bytes.subarray(at, at + (left > 0 ? left : this.#pieceSize));
      (await this.room(part.length)).set(part);
      at += part.length;
    }
  }

  /** Sends what is left and waits; resolves to whether the server has stored the whole share. */
  async finish(): Promise<boolean> {
    this.#send();
    await this.#sending;
    this.#ending.release();
    if (!this.#failure && !this.#complete) {
      const message = 'the share is not complete after its last byte';
      this.#failure = new StorageServerError('malformed-answer', this.server.nickname, message);
    }
    return this.#complete;
  }

  /**
   * Gives the share up, at the server too, and ends what is being sent to it. A server that failed is told so, but not waited
   * for.
   */
  async abort(reason: Error): Promise<void> {
    const { storageIndex, uploadSecret } = this.#options;
    const hadFailed = this.#failure !== undefined;
    this.#failure ??= reason;
    this.#givingUp.abort(unwanted);
    this.#ending.release();
    await this.#sending;
    if (this.#complete) return;
    const told = this.server.abort(storageIndex, this.shareNumber, uploadSecret);
    if (hadFailed) told.catch(() => undefined);
    else await told;
  }

  async #takePiece(): Promise<Uint8Array> {
    for (;;) {
      const piece = this.#free.pop();
      if (piece) return piece;
      if (this.#pieces < pieceCount) {
        this.#pieces++;
        return this.#options.buffer(this.#pieceSize, this.server.id);
      }
      await new Promise<void>((resolve) => {
        this.#freed = resolve;
      });
    }
  }

  /** Sends the piece that was being filled, after those before it. */
  #send(): void {
    const piece = this.#filling;
    if (!piece) return;
    const [offset, size, unfilled] = [this.#offset, this.#filled, this.#unfilled];
    this.#filling = undefined;
    this.#filled = 0;
    this.#unfilled = [];
    this.#offset += size;
    this.#sending = this.#sending.then(async () => {
      await this.#write(offset, piece.subarray(0, size), unfilled);
      this.#free.push(piece);
      this.#freed();
    });
  }

  async #write(offset: number, data: Uint8Array, unfilled: readonly Promise<unknown>[]): Promise<void> {
    const { storageIndex, uploadSecret } = this.#options;
    try {
      // Also where nothing is sent: the memory is used again after this.
      await Promise.all(unfilled);
      if (this.#failure || data.length === 0) return;
      this.#complete = await this.server.write(
        storageIndex,
        this.shareNumber,
        offset,
        data,
        uploadSecret,
        this.#ending.signal,
      );
    } catch (error) {
      this.#failure ??= error as Error;
    }
  }
}
